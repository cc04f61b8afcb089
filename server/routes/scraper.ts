import type { H3 } from "h3";
import { z } from "zod";
import { readNow } from "../../shared/db/clock.ts";
import {
  listScrapers,
  readScrapers,
  type ScraperRun,
  type ScraperStatus,
  startScraper,
  stopScraper,
} from "../../shared/schedules/scrapers.ts";
import { ApiError } from "../http/api-error.ts";
import { route } from "../http/route.ts";
import type { Services } from "../services.ts";

const tag = "Scrapers";
const time = z.date().meta({ type: "string", format: "date-time" });

const RunShape = z.object({
  id: z.string(),
  status: z.string(),
  status_message: z.string().nullable(),
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
  worker: z.string().nullable(),
  progress: z.record(z.string(), z.unknown()),
});

const Status = z.object({
  scraper: z.string(),
  schedule: z.object({ id: z.string(), name: z.string(), cron: z.string(), timezone: z.string() }),
  desired: z.enum(["running", "stopped"]),
  desired_since: time,
  actual: z
    .enum(["running", "waiting", "stopping", "lost", "idle", "failing", "stalled", "stopped"])
    .describe(
      "waiting: its run waits for a worker; lost: its worker is lost, another takes over; idle: between two runs; failing: its firings launch nothing for an error; stalled: nobody fires its schedule",
    ),
  current_run: RunShape.nullable(),
  last_run: RunShape.nullable().describe("The last one that has ended"),
  next_start_at: time.nullable(),
  failure: z
    .object({ since: time, message: z.string() })
    .nullable()
    .describe("Why its firings launch nothing, and since when"),
  heartbeat_age_secs: z.number().nullable().describe("Since the current run's worker has told that it lives"),
  counters: z
    .object({
      runs: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      aborted: z.int(),
      requests_finished: z.int(),
      requests_failed: z.int(),
    })
    .describe("Of the runs that were launched within the last 24 hours"),
});

const Statuses = z.object({ scrapers: z.array(Status) });
const Switch = z.strictObject({ scraper: z.string().describe("A scraper's name, or all") });

/** The continuous scrapers: what is wanted of them, and what they do. */
export function addScraper(app: H3, { database, runs }: Services): void {
  const statuses = async () => {
    const now = await readNow(database.pool);
    return { scrapers: (await readScrapers(database, now)).map(toStatus) };
  };
  const named = async (name: string): Promise<string[]> => {
    const all = await listScrapers(database);
    if (name === "all") return all;
    if (all.includes(name)) return [name];
    const known = [...all, "all"].join(", ");
    throw new ApiError(
      400,
      "INVALID_REQUEST",
      `scraper: expected one of ${known}, got ${JSON.stringify(name)}`,
    );
  };
  route(app, {
    method: "GET",
    path: "/api/scraper/status",
    scope: "read",
    tag,
    summary: "Each continuous scraper: desired and actual state, runs, next start, heartbeat, counters",
    response: Statuses,
    handler: statuses,
  });
  route(app, {
    method: "POST",
    path: "/api/scraper/start",
    scope: "run",
    tag,
    summary: "Switches a scraper on; its first run starts at once",
    body: Switch,
    response: Statuses,
    handler: async ({ body }) => {
      const now = await readNow(database.pool);
      for (const scraper of await named(body.scraper)) await startScraper(database, scraper, now);
      return statuses();
    },
  });
  route(app, {
    method: "POST",
    path: "/api/scraper/stop",
    scope: "run",
    tag,
    summary: "Switches a scraper off, and aborts its run gracefully",
    body: Switch,
    response: Statuses,
    handler: async ({ body }) => {
      for (const scraper of await named(body.scraper)) await stopScraper({ database, runs }, scraper);
      return statuses();
    },
  });
}

function toStatus(status: ScraperStatus): z.infer<typeof Status> {
  const { id, name, cron, timezone, failure } = status.schedule;
  const { requestsFinished, requestsFailed, ...counters } = status.counters;
  return {
    scraper: status.scraper,
    schedule: { id, name, cron, timezone },
    desired: status.desired,
    desired_since: status.desiredSince,
    actual: status.actual,
    current_run: status.currentRun && toRun(status.currentRun),
    last_run: status.lastRun && toRun(status.lastRun),
    next_start_at: status.nextStartAt,
    failure: failure && { since: failure.since, message: failure.message },
    heartbeat_age_secs: status.heartbeatAgeSecs,
    counters: { ...counters, requests_finished: requestsFinished, requests_failed: requestsFailed },
  };
}

function toRun({ id, status, worker, progress, ...run }: ScraperRun): z.infer<typeof RunShape> {
  return {
    id,
    status,
    status_message: run.statusMessage,
    created_at: run.createdAt,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    worker,
    progress,
  };
}
