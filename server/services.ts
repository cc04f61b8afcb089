import type { Logger } from "pino";
import type { Config } from "../shared/config.ts";
import type { Database } from "../shared/db/database.ts";
import type { Runs } from "../shared/runs/runs.ts";
import type { AnswerCache } from "./http/answer-cache.ts";
import type { ListReader } from "./http/lists.ts";
import type { TokenStore } from "./http/tokens.ts";
import type { JsonThread } from "./json-thread.ts";
import type { ServerMetrics } from "./metrics.ts";

/** What the server is made of. Whoever starts it opens and closes them. */
export interface ServerParts {
  config: Config;
  log: Logger;
  database: Database;
  runs: Runs;
  /** Aborted when the server is about to stop: answers that last end then. */
  shutdown: AbortSignal;
}

/** What routes may use. */
export interface Services extends ServerParts {
  tokens: TokenStore;
  /** To be cleared by whoever changes what lists and statistics show. */
  cache: AnswerCache;
  readList: ListReader;
  metrics: ServerMetrics;
  /** Takes the bodies that may be large. */
  jsonThread: JsonThread;
}
