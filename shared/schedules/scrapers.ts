import { sql } from "kysely";
import type { Database } from "../db/database.ts";
import type { RunStatus } from "../runs/run.ts";
import type { Runs } from "../runs/runs.ts";
import { type Schedule, toSchedule } from "./schedule.ts";

/** What the rows of its runs and its schedule show, whatever any process believes. */
export type ActualState =
  /** A worker has a run of it. */
  | "running"
  /** Its run waits for a worker. */
  | "waiting"
  /** Its run is ending on request, or its time is over. */
  | "stopping"
  /** The worker of its run is lost; another one takes over, or the run fails. */
  | "lost"
  /** On, and between two runs. */
  | "idle"
  /** On, but its firings launch nothing for an error. */
  | "failing"
  /** On, but nobody fires its schedule: no server and no worker is there. */
  | "stalled"
  | "stopped";

export interface ScraperRun {
  id: string;
  status: RunStatus;
  statusMessage: string | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  worker: string | null;
  progress: Record<string, unknown>;
  heartbeatAt: Date | null;
  leaseExpiresAt: Date | null;
}

export interface ScraperStatus {
  scraper: string;
  schedule: Schedule;
  desired: "running" | "stopped";
  desiredSince: Date;
  actual: ActualState;
  currentRun: ScraperRun | null;
  /** The last one that has ended. */
  lastRun: ScraperRun | null;
  nextStartAt: Date | null;
  /** Seconds since the current run's worker has told that it lives; `null` without one. */
  heartbeatAgeSecs: number | null;
  counters: ScraperCounters;
}

/** Of its runs that were launched within the last 24 hours. */
export interface ScraperCounters {
  runs: number;
  succeeded: number;
  failed: number;
  aborted: number;
  requestsFinished: number;
  requestsFailed: number;
}

/** How far behind its time a schedule may be before nobody is there to fire it, in ms. */
const STALLED_MS = 30_000;

/** The continuous scrapers that there are. */
export async function listScrapers({ kysely }: Pick<Database, "kysely">): Promise<string[]> {
  const rows = await kysely
    .selectFrom("schedules")
    .select("scraper")
    .where("scraper", "is not", null)
    .orderBy("scraper")
    .execute();
  return rows.map(({ scraper }) => scraper!);
}

/** Switches a scraper on; the first run starts at once. Nothing happens when it is on. */
export async function startScraper(
  { kysely }: Pick<Database, "kysely">,
  scraper: string,
  now: Date,
): Promise<void> {
  await kysely
    .updateTable("schedules")
    .set({
      is_enabled: true,
      next_fire_at: now,
      switched_at: sql`now()`,
      modified_at: sql`now()`,
      failing_since: null,
      failed_at: null,
      failure: null,
    })
    .where("scraper", "=", scraper)
    .where("is_enabled", "=", false)
    .execute();
}

/** Switches a scraper off, and lets its runs end gracefully. Once more: asks those again that are still alive. */
export async function stopScraper(
  { database: { kysely }, runs }: { database: Pick<Database, "kysely">; runs: Pick<Runs, "abort"> },
  scraper: string,
): Promise<void> {
  // Waits for a firing that is going on: its run is there afterwards.
  await kysely
    .updateTable("schedules")
    .set({ is_enabled: false, next_fire_at: null, switched_at: sql`now()`, modified_at: sql`now()` })
    .where("scraper", "=", scraper)
    .where("is_enabled", "=", true)
    .execute();
  const alive = await kysely
    .selectFrom("runs")
    .innerJoin("schedules", "schedules.id", "runs.schedule_id")
    .select("runs.id")
    .where("schedules.scraper", "=", scraper)
    .where("runs.finished_at", "is", null)
    .execute();
  for (const { id } of alive) await runs.abort(id, { gracefully: true });
}

/** Every continuous scraper: what is wanted of it, and what it does. */
export async function readScrapers(
  { kysely }: Pick<Database, "kysely">,
  now: Date,
): Promise<ScraperStatus[]> {
  const rows = await kysely
    .selectFrom("schedules")
    .selectAll()
    .where("scraper", "is not", null)
    .orderBy("scraper")
    .execute();
  return Promise.all(rows.map((row) => readScraper({ kysely }, toSchedule(row), now)));
}

async function readScraper(
  database: Pick<Database, "kysely">,
  schedule: Schedule,
  now: Date,
): Promise<ScraperStatus> {
  const [currentRun, lastRun, counters] = await Promise.all([
    readRun(database, schedule.id, false),
    readRun(database, schedule.id, true),
    readCounters(database, schedule.id),
  ]);
  const heartbeatAt = currentRun?.leaseExpiresAt ? currentRun.heartbeatAt : null;
  return {
    scraper: schedule.scraper!,
    schedule,
    desired: schedule.isEnabled ? "running" : "stopped",
    desiredSince: schedule.switchedAt,
    actual: actualState(schedule, currentRun, now),
    currentRun,
    lastRun,
    nextStartAt: schedule.nextFireAt,
    heartbeatAgeSecs: heartbeatAt && Math.max(0, (now.getTime() - heartbeatAt.getTime()) / 1000),
    counters,
  };
}

export function actualState(
  { nextFireAt: next, failure }: Pick<Schedule, "nextFireAt" | "failure">,
  run: Pick<ScraperRun, "status" | "leaseExpiresAt"> | null,
  now: Date,
): ActualState {
  if (run) {
    if (run.status === "READY") return "waiting";
    if (!run.leaseExpiresAt || run.leaseExpiresAt < now) return "lost";
    return run.status === "RUNNING" ? "running" : "stopping";
  }
  if (!next) return "stopped";
  // A firing that cannot even be noted leaves its time as it is, and is tried again and again.
  const triedAt = Math.max(next.getTime(), failure?.at.getTime() ?? 0);
  if (now.getTime() - triedAt > STALLED_MS) return "stalled";
  return failure ? "failing" : "idle";
}

async function readRun(
  { kysely }: Pick<Database, "kysely">,
  scheduleId: string,
  isOver: boolean,
): Promise<ScraperRun | null> {
  const run = await kysely
    .selectFrom("runs")
    .select([
      "id",
      "status",
      "status_message as statusMessage",
      "created_at as createdAt",
      "started_at as startedAt",
      "finished_at as finishedAt",
      "worker",
      "progress",
      "heartbeat_at as heartbeatAt",
      "lease_expires_at as leaseExpiresAt",
    ])
    .where("schedule_id", "=", scheduleId)
    .where("finished_at", isOver ? "is not" : "is", null)
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
  // The table's check allows no other status; progress is an object wherever it is written.
  return (run as ScraperRun | undefined) ?? null;
}

async function readCounters(
  { kysely }: Pick<Database, "kysely">,
  scheduleId: string,
): Promise<ScraperCounters> {
  const { rows } = await sql<ScraperCounters>`
    select count(*) as runs,
      count(*) filter (where status = 'SUCCEEDED') as succeeded,
      count(*) filter (where status in ('FAILED', 'TIMED-OUT')) as failed,
      count(*) filter (where status = 'ABORTED') as aborted,
      coalesce(sum((progress->>'requestsFinished')::bigint), 0)::bigint as "requestsFinished",
      coalesce(sum((progress->>'requestsFailed')::bigint), 0)::bigint as "requestsFailed"
    from runs where schedule_id = ${scheduleId} and created_at > now() - interval '24 hours'`.execute(kysely);
  return rows[0]!;
}
