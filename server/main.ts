import type { Server } from "node:http";
import { createSecureContext } from "node:tls";
import { toNodeHandler } from "h3";
import { listen } from "listhen";
import type { Logger } from "pino";
import type { Config } from "../shared/config.ts";
import type { Database } from "../shared/db/database.ts";
import { anyTokenExists } from "../shared/db/api-tokens.ts";
import { logSlowQueries } from "../shared/db/slow-queries.ts";
import { InvalidInputError } from "../shared/errors.ts";
import type { Runs } from "../shared/runs/runs.ts";
import { readText } from "../shared/text.ts";
import { createApp } from "./app.ts";
import { isLoopback } from "./http/loopback.ts";
import { closeStalled } from "./http/stalled.ts";

export interface RunningServer {
  /** With the port that was taken. */
  url: string;
  /** Lets requests under way finish, ends the answers that last, takes no new ones. Safe to call twice. */
  close(): Promise<void>;
}

export interface ServerOptions {
  config: Config;
  log: Logger;
  /** Migrated; stays open. */
  database: Database;
  /** Stays open. */
  runs: Runs;
}

/** How long a request under way may take to finish when the server stops. */
const GRACE_MS = 10_000;

/** Nobody guesses a random token of so many characters. */
const SAFE_TOKEN_LENGTH = 16;

/**
 * Serves the API at HOST and PORT.
 * @throws {InvalidInputError} when it would be open to others without a token, or the port is taken
 */
export async function startServer({ config, log, database, runs }: ServerOptions): Promise<RunningServer> {
  const https = readHttps(config);
  if (!isLoopback(config.host) && config.apiToken === undefined && !(await anyTokenExists(database.pool))) {
    throw new InvalidInputError(
      `HOST: expected a loopback address while there is no token, got ${JSON.stringify(config.host)}; set API_TOKEN, or make one with b9 token create`,
    );
  }
  if (config.apiToken !== undefined && config.apiToken.length < SAFE_TOKEN_LENGTH)
    log.warn(`API_TOKEN has less than ${SAFE_TOKEN_LENGTH} characters: it may be guessed`);
  const stopWatching = logSlowQueries(database.pool, config.slowQueryMs, log);
  const shutdown = new AbortController();
  const app = await createApp({ config, log, database, runs, shutdown: shutdown.signal });
  const listener = await listen(toNodeHandler(app), {
    // In production listhen takes the port that was asked for, or fails.
    port: config.port === 0 ? { port: 0, random: true } : { port: config.port, random: false },
    hostname: config.host,
    public: !isLoopback(config.host),
    https,
    showURL: false,
    qr: false,
    clipboard: false,
    open: false,
    autoClose: false,
    isProd: true,
  }).catch((cause: unknown) => {
    throw new InvalidInputError(
      `PORT: expected a free port of ${config.host}, and HOST an address of this machine, got ${config.port}: ${(cause as Error).message}`,
      { cause },
    );
  });
  keepConnections(listener.server);
  const stopClosing = closeStalled(listener.server, config.responseStallSecs * 1000);
  const url = listener.url.replace(/\/$/, "");
  log.info(`serving ${url}`);
  let closed: Promise<void> | null = null;
  const close = async () => {
    shutdown.abort();
    const overdue = setTimeout(() => listener.server.closeAllConnections(), GRACE_MS);
    await listener.close();
    clearTimeout(overdue);
    stopClosing();
    stopWatching();
  };
  return { url, close: () => (closed ??= close()) };
}

function readHttps({ httpsCert, httpsKey }: Config): { cert: string; key: string } | false {
  if (httpsCert === undefined && httpsKey === undefined) return false;
  if (httpsCert === undefined || httpsKey === undefined)
    throw new InvalidInputError("HTTPS_CERT and HTTPS_KEY: expected both or none");
  const cert = readPem("HTTPS_CERT", httpsCert);
  const key = readPem("HTTPS_KEY", httpsKey);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new InvalidInputError(
      `HTTPS_CERT and HTTPS_KEY: expected a certificate and its private key, without a passphrase: ${(cause as Error).message}`,
      { cause },
    );
  }
  return { cert, key };
}

function readPem(name: string, file: string): string {
  try {
    const text = readText(file);
    // What a program has written before it is no part of it.
    return text.slice(Math.max(0, text.indexOf("-----BEGIN")));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? `there is no ${file}` : `${file} cannot be read: ${code ?? message}`;
    throw new InvalidInputError(`${name}: expected a file, ${reason}`, { cause });
  }
}

/** Clients keep their connections for longer than Node would: the one that closes first must be the client. */
function keepConnections(
  server: Pick<Server, "keepAliveTimeout" | "headersTimeout" | "requestTimeout">,
): void {
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 80_000;
  server.requestTimeout = 300_000;
}
