import { lookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";

export interface PostOptions {
  headers: Record<string, string>;
  /** Asked about every address before a connection to it is made, those of redirects included. */
  isAllowed: (address: string) => boolean;
  /** For everything, redirects included. */
  timeoutMs: number;
  /** Gives up. */
  signal?: AbortSignal;
}

/** The receiver's address is none that messages may go to. */
export class ForbiddenAddressError extends Error {
  override name = "ForbiddenAddressError";
}

const MAX_REDIRECTS = 3;
/** An answer says enough with its status; what is longer is cut off. */
const MAX_ANSWER_BYTES = 65_536;

/**
 * Posts JSON and returns the status of the answer. Follows 307 and 308; the other redirects would have it come as a GET
 * without a body, and are answers like others.
 * @throws {ForbiddenAddressError}
 */
export async function postJson(url: string, body: string, options: PostOptions): Promise<number> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  let target = new URL(url);
  for (let redirects = 0; ; redirects++) {
    const { status, location } = await post(target, body, { ...options, signal }).catch((cause: unknown) => {
      if (!timeout.aborted) throw cause;
      throw new Error(`no answer within ${options.timeoutMs / 1000} s`, { cause });
    });
    if ((status !== 307 && status !== 308) || location === undefined) return status;
    if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`);
    target = new URL(location, target);
  }
}

type Answer = { status: number; location: string | undefined };

function post(
  url: URL,
  body: string,
  { headers, isAllowed, signal }: PostOptions & { signal: AbortSignal },
): Promise<Answer> {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error(`expected an http(s) URL, got one of ${url.protocol}`);
  const { request } = url.protocol === "https:" ? https : http;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // Node asks nobody about what is an address already.
  if (isIP(host) && !isAllowed(host)) throw forbidden(host);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: "POST",
      headers: {
        ...headers,
        "content-type": "application/json; charset=utf-8",
        "content-length": Buffer.byteLength(body),
      },
      // A connection of its own: one that is kept was checked for another name.
      agent: false,
      lookup: guardedLookup(isAllowed),
      signal,
    });
    outgoing.on("error", reject);
    outgoing.on("response", (answer) => {
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) answer.destroy();
      });
      // Cut off or not, the status has come.
      answer.on("error", () => undefined);
      answer.on("close", () => resolve({ status: answer.statusCode!, location: answer.headers.location }));
    });
    outgoing.end(body);
  });
}

/** The addresses that a connection is made to are those that were checked: no second answer of the DNS comes between. */
function guardedLookup(isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const refused = addresses.find(({ address }) => !isAllowed(address));
      if (refused) return callback(forbidden(refused.address), []);
      if (options.all) return callback(null, addresses);
      callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

function forbidden(address: string): ForbiddenAddressError {
  return new ForbiddenAddressError(
    `${address} is no public address; ALERT_WEBHOOK_ALLOW_PRIVATE lets messages go there`,
  );
}
