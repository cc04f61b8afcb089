import { stripVTControlCharacters } from "node:util";
import type { H3 } from "h3";
import { z } from "zod";
import type { Run } from "../../../shared/runs/run.ts";
import { flag } from "../../http/query.ts";
import { Reply } from "../../http/reply.ts";
import { route, type RouteRequest } from "../../http/route.ts";
import type { Services } from "../../services.ts";
import { withHeartbeat } from "./heartbeat.ts";
import { findRun, RUN_PATHS } from "./run-paths.ts";
import { toStream } from "./streams.ts";

const LogQuery = z.object({
  stream: flag().default(false).describe("Goes on until the run has ended"),
  raw: flag().default(false).describe("With the colours of a terminal"),
  download: flag().default(false).describe("To be saved as a file"),
});

type LogRequest = Pick<RouteRequest<unknown, unknown, unknown>, "event" | "signal">;

/** So much of a log is in memory at a time. */
const PART_BYTES = 256 * 1024;
/** Proxies and clients give up a connection that is silent for longer. */
const HEARTBEAT_MS = 15_000;

/** Every line begins with its time, `2026-01-31T12:00:00.000Z`: the clients split the log there. */
export function addLogs(app: H3, services: Services): void {
  const { runs } = services;
  const answer = (run: Run, { stream, raw, download }: z.output<typeof LogQuery>, request: LogRequest) => {
    const headers = {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "private, no-cache",
      "x-accel-buffering": "no",
      ...(download && { "content-disposition": `attachment; filename="${run.id}.log"` }),
    };
    if (request.event.req.method === "HEAD") return new Reply(null, { headers });
    const text = stream
      ? withHeartbeat(runs.log.follow(run.id, { signal: request.signal }), "\n", HEARTBEAT_MS)
      : readLog(services, run.id);
    return new Reply(toStream(raw ? text : stripColours(text), { live: stream }), { headers });
  };
  const common = {
    method: "GET",
    scope: "read",
    tag: "Logs",
    query: LogQuery,
    response: "text/plain",
  } as const;

  route(app, {
    ...common,
    path: "/v2/logs/:runId",
    summary: "The log of a run",
    handler: async (request) => answer(await findRun(runs, request.params["runId"]!), request.query, request),
  });
  for (const { path, find } of RUN_PATHS) {
    route(app, {
      ...common,
      path: `${path}/log`,
      summary: "The log of a run",
      handler: async (request) => answer(await find(services, request), request.query, request),
    });
  }
}

/** Whole lines, so that no sign is cut between two parts. */
async function* readLog({ runs }: Services, runId: string): AsyncGenerator<string> {
  for (let start = 0; ;) {
    const end = start + PART_BYTES;
    const { text, size } = await runs.log.read(runId, { start, end });
    const lines = end < size ? text.slice(0, text.lastIndexOf("\n") + 1) || withoutCutSign(text) : text;
    yield lines;
    start += Buffer.byteLength(lines);
    if (lines === "" || start >= size) return;
  }
}

/** Of a line that is longer than a part: a sign that is cut comes with the next one. */
function withoutCutSign(text: string): string {
  return text.replace(/\uFFFD{1,3}$/, "");
}

async function* stripColours(text: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const part of text) yield stripVTControlCharacters(part);
}
