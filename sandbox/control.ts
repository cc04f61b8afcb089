import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { AccessLog, LogEntry } from "./access-log.ts";
import type { WindowStats } from "./budgets.ts";
import type { Clock } from "./clock.ts";
import { type Faults, parseFaultPlan } from "./faults.ts";

export const CONTROL_PREFIX = "/_sandbox";

export interface Controls {
  clock: Clock;
  log: AccessLog;
  /** Of all sites, each owner's windows. */
  windows(): WindowStats[];
  faults: Faults;
  /** The settings that point a client here, and a content for its identities file. */
  env(): { env: Record<string, string>; identities: unknown };
  /** Told with `env` to whoever asks with a nonce: a word that only whoever knows a secret can say of both. */
  prove?: ((text: string) => string) | undefined;
  /** The answer to a path below `/_sandbox/truth`; `undefined` for none. */
  truth(path: string, query: URLSearchParams): unknown;
}

/** Serves what is not part of the world: ground truth, the access log, faults and time. */
export async function answerControl(
  controls: Controls,
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url!, "http://sandbox");
  const path = pathname.slice(CONTROL_PREFIX.length);
  if (path === "/log") return sendLog(response, controls.log.since(Number(searchParams.get("since") ?? 0)));
  const { status, value } = answer(controls, `${request.method} ${path}`, searchParams, body);
  response
    .writeHead(status, { "content-type": "application/json; charset=utf-8" })
    .end(JSON.stringify(value));
}

function tellEnv({ env, prove }: Controls, nonce: string | null): unknown {
  const told = env();
  if (nonce === null || !prove) return told;
  return { ...told, proof: prove(nonce + JSON.stringify(told)) };
}

function answer(
  controls: Controls,
  what: string,
  query: URLSearchParams,
  body: string,
): { status: number; value: unknown } {
  const { clock, log, faults } = controls;
  switch (what) {
    case "GET /env":
      return { status: 200, value: tellEnv(controls, query.get("nonce")) };
    case "GET /stats":
      return {
        status: 200,
        value: {
          virtual_now: clock.now(),
          windows: controls.windows(),
          totals: log.totals(),
          cost_usd: log.costUsd(),
        },
      };
    case "GET /faults":
      return { status: 200, value: { faults: faults.plan() } };
    case "POST /faults":
      return change(() => {
        faults.set(parseFaultPlan(JSON.parse(body)));
        return { faults: faults.plan() };
      });
    case "POST /time":
      return change(() => {
        clock.advance(advanceSecs(JSON.parse(body)));
        return { virtual_now: clock.now() };
      });
    default: {
      const truth = what.startsWith("GET /truth")
        ? controls.truth(what.slice("GET /truth".length), query)
        : undefined;
      return truth === undefined
        ? { status: 404, value: { error: `nothing at ${what}`, endpoints: ENDPOINTS } }
        : { status: 200, value: truth };
    }
  }
}

const ENDPOINTS = [
  "GET /env",
  "GET /truth",
  "GET /log?since={seq}",
  "GET /stats",
  "GET /faults",
  "POST /faults",
  "POST /time",
];

/** What the sender got wrong is the sender's to read. */
function change(act: () => unknown): { status: number; value: unknown } {
  try {
    return { status: 200, value: act() };
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError)
      return { status: 400, value: { error: error.message } };
    throw error;
  }
}

function advanceSecs(body: unknown): number {
  const secs = (body as { advance_secs?: unknown } | null)?.advance_secs;
  if (typeof secs === "number" && secs >= 0) return secs;
  throw new RangeError(
    `advance_secs: expected a number of virtual seconds from 0, got ${JSON.stringify(secs)}`,
  );
}

/** A JSON array, an entry a line, sent as fast as it is read. */
async function sendLog(response: ServerResponse, entries: Iterable<LogEntry>): Promise<void> {
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
  await pipeline(Readable.from(logChunks(entries)), response);
}

function* logChunks(entries: Iterable<LogEntry>): Generator<string> {
  let chunk = "[";
  let separator = "\n";
  for (const entry of entries) {
    chunk += separator + JSON.stringify(entry);
    separator = ",\n";
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = "";
  }
  yield `${chunk}\n]\n`;
}
