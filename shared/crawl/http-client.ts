import type { ClientRequest, IncomingMessage } from "node:http";
import { gotScraping, RequestError, type Request } from "got-scraping";
import type { CookieJar } from "tough-cookie";
import { ACCEPT_ENCODING, BodyTooLargeError, decodeBody } from "./body-encoding.ts";
import type { Headers } from "./outcome.ts";
import {
  type Agents,
  createDirectAgents,
  createProxyAgents,
  destroyAgents,
  ProxyError,
} from "./proxy-agents.ts";
import { PhaseTimeoutError, toTransportFailure, type TransportFailure } from "./transport-failure.ts";

export interface HttpRequest {
  method: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body?: string;
  /** Name of the identity that asks: identities never share a connection. */
  identity: string;
  /** `null` goes out directly. */
  proxyUrl: string | null;
  /** Sends its cookies for the URL, and keeps those of the answer. */
  cookieJar?: CookieJar;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  /** `set-cookie` is the cookie jar's alone and not here. */
  headers: Headers;
  /** Decompressed. */
  body: Buffer;
  /** That was asked; redirects are not followed. */
  url: string;
  /** When the last byte came, milliseconds since 1970. */
  answeredAt: number;
}

export interface HttpClient {
  /** @throws only for a request that cannot be sent at all: an invalid URL or header */
  send(request: HttpRequest): Promise<HttpAnswer | TransportFailure>;
  /** Ends all connections; what is on its way fails. */
  close(): void | Promise<void>;
}

export interface HttpClientOptions {
  /** Until a connection stands, TLS and proxy included. */
  connectTimeoutMs: number;
  /** From there to the answer's headers. */
  headersTimeoutMs: number;
  /** From there to the end of the body, however it trickles. */
  bodyTimeoutMs: number;
  /** Cap of a body, before and after decompression. */
  maxBodyBytes: number;
}

/** As browsers take it: policies and cookies go far beyond the 16 kB that Node takes. */
const MAX_HEADER_BYTES = 256 * 1024;

/** got-scraping without its disguises: verified TLS, strict parser, HTTP/1.1, our headers and nobody else's. */
const got = gotScraping.extend({
  http2: false,
  // A minVersion also keeps got-scraping from imitating a browser's TLS.
  https: { rejectUnauthorized: true, minVersion: "TLSv1.2" },
  context: { useHeaderGenerator: false, insecureHTTPParser: false },
  followRedirect: false,
  throwHttpErrors: false,
  retry: { limit: 0 },
  timeout: { request: undefined },
  // got-scraping takes a truncated gzip body for a whole one.
  decompress: false,
  ignoreInvalidCookies: true,
  maxHeaderSize: MAX_HEADER_BYTES,
});

/** The only way out of the program. The only file that knows got-scraping: replacing it means this file. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const connections = new Map<string, Agents>();
  function agentsOf({ identity, proxyUrl }: HttpRequest): Agents {
    const key = JSON.stringify([identity, proxyUrl]);
    let agents = connections.get(key);
    if (!agents) {
      agents =
        proxyUrl === null ? createDirectAgents() : createProxyAgents(proxyUrl, options.connectTimeoutMs);
      connections.set(key, agents);
    }
    return agents;
  }
  return {
    async send(request) {
      const first = await exchange(request, agentsOf(request), options);
      // A kept connection that the server closed while the request was on its way: RFC 9112 §9.3.1 has clients
      // send a GET again.
      const { result } = first.wasStale ? await exchange(request, agentsOf(request), options) : first;
      return result;
    },
    close() {
      for (const agents of connections.values()) destroyAgents(agents);
      connections.clear();
    },
  };
}

interface Exchange {
  result: HttpAnswer | TransportFailure;
  /** A kept connection broke before the answer began. */
  wasStale: boolean;
}

async function exchange(request: HttpRequest, agents: Agents, options: HttpClientOptions): Promise<Exchange> {
  const { method, url, headers, body, cookieJar, signal } = request;
  const stream = got.stream(url, {
    method,
    headers: { ...headers, "accept-encoding": ACCEPT_ENCODING },
    agent: agents,
    ...(body !== undefined && { body }),
    ...(cookieJar && { cookieJar }),
    ...(signal && { signal }),
  });
  // A signal may abort after the end; nobody listens for the error then.
  stream.on("error", () => {});
  const endPhases = timePhases(stream, url, options);
  let response: IncomingMessage | undefined;
  stream.once("response", (answer: IncomingMessage) => (response = answer));
  try {
    const received = await readBody(stream, options.maxBodyBytes);
    // A stream that ends without an error had an answer.
    const result = await toAnswer(request, response!, received, options.maxBodyBytes);
    return { result, wasStale: false };
  } catch (error) {
    const cause = error instanceof RequestError && error.cause instanceof Error ? error.cause : error;
    const result = toTransportFailure(cause as Error, request, response?.statusCode ?? null);
    const isReset = result.failure === "reset" || result.failure === "proxy";
    return { result, wasStale: method === "GET" && isReset && !response && stream.reusedSocket === true };
  } finally {
    endPhases();
  }
}

/** Destroys the stream with a PhaseTimeoutError when connecting, waiting for headers, or the body takes too long. */
function timePhases(stream: Request, url: string, options: HttpClientOptions): () => void {
  let timer: NodeJS.Timeout;
  const enter = (phase: PhaseTimeoutError["phase"], limitMs: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => stream.destroy(new PhaseTimeoutError(phase, limitMs)), limitMs);
  };
  enter("connect", options.connectTimeoutMs);
  stream.once("request", (request: ClientRequest) => {
    request.once("socket", (socket) => {
      const isTls = url.startsWith("https:");
      if (request.reusedSocket || (!isTls && !socket.connecting)) enter("headers", options.headersTimeoutMs);
      else socket.once(isTls ? "secureConnect" : "connect", () => enter("headers", options.headersTimeoutMs));
    });
  });
  stream.once("response", () => enter("body", options.bodyTimeoutMs));
  return () => clearTimeout(timer);
}

async function readBody(stream: Request, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new BodyTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function toAnswer(
  { url, proxyUrl }: HttpRequest,
  response: IncomingMessage,
  received: Buffer,
  maxBytes: number,
): Promise<HttpAnswer> {
  const status = response.statusCode!;
  if (status === 407 && proxyUrl !== null)
    throw new ProxyError(`proxy ${new URL(proxyUrl).host} answered 407`);
  const { "set-cookie": _, ...headers } = response.headers;
  const body = await decodeBody(received, response.headers["content-encoding"], maxBytes);
  // Node joins repeated headers into strings, all but set-cookie.
  return { status, headers: headers as Headers, body, url, answeredAt: Date.now() };
}
