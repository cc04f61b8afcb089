import type { Config } from "../config.ts";

/** What a worker tells the process of a run, over its IPC channel. */
export type ToChild = { type: "run"; order: RunOrder } | { type: "stop"; reason: string };

/** All that the process of a run is told; settings come from the worker, not from the environment. */
export interface RunOrder {
  actorFolder: string;
  runId: string;
  attempt: number;
  input: unknown;
  maxItems: number | null;
  maxConcurrency: number;
  config: Config;
}

/** What the process of a run tells its worker. */
export type FromChild =
  | { type: "progress"; progress: Record<string, unknown> }
  | ({ type: "result" } & ChildResult);

/** How a crawl ended, by its own account. */
export interface ChildResult {
  /** ABORTED: stopped, or at a limit. */
  status: "SUCCEEDED" | "ABORTED" | "FAILED";
  message: string;
}
