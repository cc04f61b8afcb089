import type { H3 } from "h3";
import { z } from "zod";
import { EventHub, type HubEvent, type Position } from "../event-hub.ts";
import { invalidRequest } from "../http/api-error.ts";
import { ClientStream } from "../http/client-stream.ts";
import { list } from "../http/query.ts";
import { Reply } from "../http/reply.ts";
import { route } from "../http/route.ts";
import type { Services } from "../services.ts";

/** Keeps connections open that nothing else goes over. */
const COMMENT_MS = 15_000;

const Topic = z.string().regex(/^(?:runs|logs|run:[\w-]{1,63})$/, { error: "runs, logs or run:<id>" });

export function addEvents(app: H3, { database, runs, log }: Services): void {
  const hub = new EventHub(database.pool, runs, log);
  const streams = new Set<ClientStream>();
  let commenting: NodeJS.Timeout | null = null;
  const open = (stream: ClientStream) => {
    streams.add(stream);
    commenting ??= setInterval(() => streams.forEach((each) => each.send(": alive\n\n")), COMMENT_MS);
  };
  const close = (stream: ClientStream) => {
    streams.delete(stream);
    if (streams.size > 0) return;
    clearInterval(commenting ?? undefined);
    commenting = null;
  };

  route(app, {
    method: "GET",
    path: "/api/events",
    scope: "read",
    tag: "Operations",
    summary: "Server-sent events: runs, one run, the log",
    description:
      "Events `run` and `log`, with JSON as data; at most four times a second a topic, in between only the last state counts. Last-Event-ID, or last_event_id, goes on where a connection ended.",
    query: z.strictObject({
      topics: list(Topic).optional().meta({ description: "runs, logs, run:<id>; default: runs" }),
      last_event_id: z.string().max(100).optional(),
    }),
    response: "text/event-stream",
    handler: async ({ query, event, signal }) => {
      const lastEventId = event.req.headers.get("last-event-id") ?? query.last_event_id;
      const from = lastEventId === undefined || lastEventId === "" ? null : parsePosition(lastEventId);
      const stream = new ClientStream();
      const topics = new Set(query.topics ?? ["runs"]);
      const remove = await hub.add({ topics, push: (events) => stream.send(format(events)) }, from);
      open(stream);
      stream.onClosed(() => {
        remove();
        close(stream);
      });
      if (signal.aborted) stream.close();
      else signal.addEventListener("abort", () => stream.close(), { once: true });
      stream.send("retry: 2000\n\n");
      return new Reply(stream.readable, {
        headers: {
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-store, no-transform",
          // nginx would keep events until its buffer is full.
          "x-accel-buffering": "no",
        },
      });
    },
  });
}

/** Only the last event has the id: whoever is cut off before it is told all of them again. */
function format(events: readonly HubEvent[]): string {
  return events
    .map(({ topic, data, position }, n) => {
      const id = n === events.length - 1 ? `id: ${position.runsMs}-${position.logId}\n` : "";
      return `${id}event: ${topic === "runs" ? "run" : "log"}\ndata: ${data}\n\n`;
    })
    .join("");
}

function parsePosition(text: string): Position {
  const [, runsMs, logId] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  if (runsMs === undefined)
    throw invalidRequest([`last_event_id: expected the id of an event, got another text`]);
  return { runsMs: Number(runsMs), logId: Number(logId) };
}
