import { ApifyApiError, ApifyClient } from "apify-client";
import { type Config, readConfig } from "../config.ts";
import { InvalidInputError } from "../errors.ts";

/** Options of every command that asks the server. */
export const API_ARGS = {
  url: { type: "string", description: "address of the server; default: that of HOST and PORT" },
  json: { type: "boolean", description: "print JSON", default: false },
} as const;

/** The server cannot be asked, or refuses. */
export class ApiError extends Error {
  override name = "ApiError";
}

export interface Api {
  /** Without a slash at its end. */
  url: string;
  /** The official client, on our own server. */
  client: ApifyClient;
  /**
   * Answer of a path under `/api`, or of `/health` and `/ready`, whatever its status.
   * @throws {ApiError} when there is no server
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/**
 * Runs `work` with the server's API, by `--url` or HOST and PORT, and API_TOKEN.
 * @throws {ApiError} when there is no server, or it refuses
 * @throws {InvalidInputError} when it finds something wrong with what it was asked
 */
export async function withApi<Result>(
  args: { url?: string | undefined },
  work: (api: Api) => Promise<Result>,
): Promise<Result> {
  const config = readConfig();
  const url = (args.url ?? addressOf(config)).replace(/\/+$/, "");
  if (!/^https?:\/\/./.test(url))
    throw new InvalidInputError(`--url: expected http(s)://host:port, got ${JSON.stringify(args.url)}`);
  const headers: Record<string, string> =
    config.apiToken === undefined ? {} : { authorization: `Bearer ${config.apiToken}` };
  const client = new ApifyClient({
    baseUrl: url,
    maxRetries: 3,
    minDelayBetweenRetriesMillis: 200,
    ...(config.apiToken !== undefined && { token: config.apiToken }),
  });
  // What goes wrong is told below, once.
  client.logger.setLevel(client.logger.LEVELS.OFF);
  try {
    return await work({
      url,
      client,
      fetch: (path, init) => fetch(`${url}${path}`, { ...init, headers: { ...headers, ...init?.headers } }),
    });
  } catch (error) {
    throw explain(error, url);
  }
}

function addressOf({ host, port, httpsCert }: Config): string {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host.replace(/^::$/, "::1");
  return `${httpsCert === undefined ? "http" : "https"}://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

const AWAY = /ECONNREFUSED|ECONNRESET|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|EAI_AGAIN|ECONNABORTED|fetch failed/;

function explain(error: unknown, url: string): unknown {
  if (error instanceof ApifyApiError) {
    const { statusCode, message } = error;
    if (statusCode === 401 || statusCode === 403)
      return new ApiError(`${url}: ${message}; set API_TOKEN (b9 token create makes one)`);
    if (statusCode < 500) return new InvalidInputError(message);
    return new ApiError(`${url}: ${message}`);
  }
  // What the client itself refuses to send.
  if ((error as Error).name === "ArgumentError") return new InvalidInputError((error as Error).message);
  const { code = "", message, cause } = error as { code?: string; message: string; cause?: unknown };
  const reason = [code, message, (cause as { code?: string } | undefined)?.code].join(" ");
  if (AWAY.test(reason)) return new ApiError(`no server at ${url}; ./b9 up starts one, --url names another`);
  return error;
}

/** What a `get` of the client has found. @throws {InvalidInputError} when there is none */
export function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new InvalidInputError(`there is no ${what}`);
  return value;
}
