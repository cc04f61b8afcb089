import { z } from "zod";
import type { Config } from "../config.ts";
import { toJson } from "../crawl/local/json.ts";

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

/** A message is counters or a sentence; whatever is longer is somebody's mistake, and would be kept in memory and in rows. */
const MAX_BYTES = 64 * 1024;

const ChildResult = z.object({
  /** ABORTED: stopped, or at a limit. */
  status: z.enum(["SUCCEEDED", "ABORTED", "FAILED"]),
  message: z.string().transform((text) => text.slice(0, MAX_BYTES)),
});

const FromChild = z.discriminatedUnion("type", [
  z.object({ type: z.literal("progress"), progress: z.record(z.string(), z.unknown()).refine(isSmallJson) }),
  ChildResult.extend({ type: z.literal("result") }),
]);

/** How a crawl ended, by its own account. */
export type ChildResult = z.infer<typeof ChildResult>;

/** What the process of a run tells its worker. */
export type FromChild = z.infer<typeof FromChild>;

/** What came over the channel; `null` for what is none of ours, as a library writes that knows of the channel. */
export function readFromChild(raw: unknown): FromChild | null {
  return FromChild.safeParse(raw).data ?? null;
}

/** What is no JSON would stop the heartbeats of all runs of the worker. */
function isSmallJson(value: unknown): boolean {
  try {
    return toJson(value, "progress").length <= MAX_BYTES;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return false;
    throw error;
  }
}
