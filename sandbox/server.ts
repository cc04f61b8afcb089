import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { type Exchange, type SiteRequest, sendAnswer } from "./answer.ts";
import { CONTROL_PREFIX, type Controls, answerControl } from "./control.ts";

export interface Sites extends Controls {
  /** Answers everything that is not a control. */
  site(request: SiteRequest): Exchange;
}

const MAX_REQUEST_BYTES = 1_000_000;

/** A server, not yet listening, that hands requests to the controls or to the site and logs what the site did. */
export function createServer(sites: Sites): http.Server {
  return http.createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    serve(sites, request, response).catch((error: unknown) => {
      if (request.destroyed || response.headersSent) return void response.destroy();
      // A defect of the stand-in must not pass for a fault of its world.
      process.emitWarning(error as Error);
      response.writeHead(599).end(String(error));
    });
  });
}

async function serve(sites: Sites, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  if (request.url!.startsWith(CONTROL_PREFIX)) return answerControl(sites, request, response, body);
  const siteRequest = toSiteRequest(request, body);
  const exchange = sites.site(siteRequest);
  logExchange(sites, siteRequest, exchange);
  const packs = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  await sendAnswer(response, exchange.answer, { fault: exchange.fault, packs });
}

function logExchange({ log, clock }: Sites, request: SiteRequest, exchange: Exchange): void {
  const { answer, fault, client, endpoint, used, window } = exchange;
  const isCut = fault?.kind === "reset" && fault.at === "headers";
  log.add({
    at: Date.now(),
    virtual: clock.now(),
    address: request.address,
    client,
    method: request.method,
    path: request.url,
    endpoint,
    status: isCut ? null : answer.status,
    fault: fault?.kind ?? null,
    used,
    window,
    creator: exchange.creator ?? null,
    price_usd: exchange.priceUsd ?? 0,
  });
}

function toSiteRequest({ method, url, headers, socket }: IncomingMessage, body: string): SiteRequest {
  const { pathname, searchParams } = new URL(url!, "http://sandbox");
  const address = socket.remoteAddress ?? "";
  return { method: method!, path: pathname, url: url!, query: searchParams, headers, address, body };
}

async function readBody(request: IncomingMessage): Promise<string> {
  if (request.method === "GET") return "";
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REQUEST_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
