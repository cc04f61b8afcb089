import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Pool } from "pg";
import { type LogLine, readLogHead, readLogsAfter } from "../shared/db/queries/log-tail.ts";
import type { Run } from "../shared/runs/run.ts";
import type { Runs } from "../shared/runs/runs.ts";

/** Where a stream is: everything before it was sent. As text it is the `id` of events, `Last-Event-ID` when resumed. */
export interface Position {
  /** Runs that changed until then, as `Date.getTime()`. */
  runsMs: number;
  /** Lines of the log up to this id. */
  logId: number;
}

export interface HubEvent {
  topic: "runs" | "logs";
  /** JSON text. */
  data: string;
  /** Of runs. */
  runId?: string;
  position: Position;
}

export interface Listener {
  topics: ReadonlySet<string>;
  push(events: readonly HubEvent[]): void;
}

/** So often, at most, a topic tells something; in between only the last state counts. */
const TICK_MS = 250;
/** A transaction shows its changes some time after it has stamped them: so far back is looked again. */
const OVERLAP_MS = 2_000;
const OVERLAP_LOGS = 1_000;
const MAX_RUNS = 500;
const MAX_LOGS = 2_000;

/**
 * Follows runs and the log for all listeners with one poll. While nobody listens, nothing is asked. A listener that
 * comes back is given what it has missed.
 */
export class EventHub {
  readonly #pool: Pool;
  readonly #runs: Pick<Runs, "changedSince">;
  readonly #log: Logger;
  readonly #listeners = new Set<Listener>();
  #isPolling = false;
  #position: Position = { runsMs: 0, logId: 0 };
  /** What was told, as far back as is looked: when runs had changed, by id; ids of lines. */
  readonly #toldRuns = new Map<string, number>();
  readonly #toldLogs = new Set<number>();

  constructor(pool: Pool, runs: Pick<Runs, "changedSince">, log: Logger) {
    this.#pool = pool;
    this.#runs = runs;
    this.#log = log;
  }

  /**
   * Adds a listener, which is told what happens from now on, or since `from`.
   * @returns what removes it
   */
  async add(listener: Listener, from: Position | null): Promise<() => void> {
    await this.#begin(listener);
    this.#listeners.add(listener);
    if (!this.#isPolling) void this.#poll();
    if (from) listener.push(only(listener, await this.#since(from)));
    return () => this.#listeners.delete(listener);
  }

  /** What nobody has followed so far, is followed from now on. */
  async #begin({ topics }: Listener): Promise<void> {
    const skipsLogs = topics.has("logs") && !this.#listens("logs");
    if (this.#isPolling && !skipsLogs) return;
    const { now, id } = await readLogHead(this.#pool);
    if (!this.#isPolling) this.#position.runsMs = now.getTime();
    if (!skipsLogs) return;
    this.#position.logId = id;
    for (const line of await readLogsAfter(this.#pool, id - OVERLAP_LOGS, MAX_LOGS))
      this.#toldLogs.add(line.id);
  }

  /** Until nobody listens. */
  async #poll(): Promise<void> {
    this.#isPolling = true;
    while (this.#listeners.size > 0) {
      await sleep(TICK_MS);
      try {
        const events = await this.#news();
        if (events.length > 0) for (const listener of this.#listeners) listener.push(only(listener, events));
      } catch (err) {
        this.#log.debug({ err }, "events cannot be read; tried again");
      }
    }
    this.#isPolling = false;
  }

  /** What changed since the last time, for all. */
  async #news(): Promise<HubEvent[]> {
    const [runs, logs] = [await this.#newRuns(), this.#listens("logs") ? await this.#newLogs() : []];
    const { runsMs, logId } = this.#position;
    // A new one: events keep the one that they were told with.
    this.#position = {
      runsMs: Math.max(runsMs, ...runs.map((run) => run.modifiedAt.getTime())),
      logId: Math.max(logId, ...logs.map(({ id }) => id)),
    };
    return toEvents(runs, logs, this.#position);
  }

  async #newRuns(): Promise<Run[]> {
    const sinceMs = this.#position.runsMs - OVERLAP_MS;
    for (const [id, at] of this.#toldRuns) if (at < sinceMs) this.#toldRuns.delete(id);
    const changed = await this.#runs.changedSince(new Date(sinceMs), MAX_RUNS);
    const fresh = changed.filter((run) => (this.#toldRuns.get(run.id) ?? 0) < run.modifiedAt.getTime());
    for (const run of fresh) this.#toldRuns.set(run.id, run.modifiedAt.getTime());
    return fresh;
  }

  async #newLogs(): Promise<LogLine[]> {
    const sinceId = this.#position.logId - OVERLAP_LOGS;
    for (const id of this.#toldLogs) if (id <= sinceId) this.#toldLogs.delete(id);
    const lines = await readLogsAfter(this.#pool, sinceId, MAX_LOGS);
    const fresh = lines.filter(({ id }) => !this.#toldLogs.has(id));
    for (const { id } of fresh) this.#toldLogs.add(id);
    return fresh;
  }

  /** What a listener has missed that was at `from`; some of it, it may know. */
  async #since(from: Position): Promise<HubEvent[]> {
    const [runs, logs] = await Promise.all([
      this.#runs.changedSince(new Date(from.runsMs - OVERLAP_MS), MAX_RUNS),
      readLogsAfter(this.#pool, from.logId, MAX_LOGS),
    ]);
    return toEvents(runs, logs, this.#position);
  }

  #listens(topic: string): boolean {
    for (const { topics } of this.#listeners) if (topics.has(topic)) return true;
    return false;
  }
}

function only({ topics }: Listener, events: readonly HubEvent[]): HubEvent[] {
  return events.filter(
    ({ topic, runId }) => topics.has(topic) || (runId !== undefined && topics.has(`run:${runId}`)),
  );
}

function toEvents(runs: readonly Run[], logs: readonly { id: number }[], position: Position): HubEvent[] {
  return [
    ...runs.map((run) => ({
      topic: "runs" as const,
      runId: run.id,
      data: JSON.stringify(toRunEvent(run)),
      position,
    })),
    ...logs.map((line) => ({ topic: "logs" as const, data: JSON.stringify(line), position })),
  ];
}

/** A run as its events show it. */
function toRunEvent(run: Run) {
  return {
    id: run.id,
    actor: run.actor,
    status: run.status,
    status_message: run.statusMessage,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    attempt: run.attempt,
    worker: run.worker,
    cost_usd: run.costUsd,
    progress: run.progress,
    modified_at: run.modifiedAt,
  };
}
