import { createLogger } from "../../shared/log.ts";
import { readConfig } from "../../shared/config.ts";
import type { Database } from "../../shared/db/database.ts";
import { openRuns, type Runs } from "../../shared/runs/runs.ts";
import { type RunningServer, startServer } from "../../server/main.ts";

export interface TestServer extends RunningServer {
  runs: Runs;
  /** Lines of its log. */
  lines: Record<string, unknown>[];
  /** `fetch` of a path, with the admin token unless `headers` say otherwise. */
  request(path: string, init?: RequestInit): Promise<Response>;
}

/** An admin token. */
export const TOKEN = "test-token-of-sixteen-characters";

/**
 * The whole server on a free port of loopback, with a token.
 * @param env settings that differ; `API_TOKEN: ""` is a server without a token
 */
export async function startTestServer(
  database: Database,
  env: Record<string, string> = {},
): Promise<TestServer> {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const config = readConfig({ PORT: "0", API_TOKEN: TOKEN, ...env }, "no .env file");
  const log = createLogger({ level: "debug", pretty: false, stream });
  const runs = await openRuns({ database, config, log });
  const server = await startServer({ config, log, database, runs });
  const close = async () => {
    await server.close();
    await runs.close();
  };
  const request = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (config.apiToken && !headers.has("authorization"))
      headers.set("authorization", `Bearer ${config.apiToken}`);
    return fetch(`${server.url}${path}`, { ...init, headers });
  };
  return { url: server.url, close, runs, lines, request };
}
