import { statfs } from "node:fs/promises";
import { readMigrations } from "../shared/db/migrate.ts";
import { steadyNow } from "../shared/steady-clock.ts";
import type { Services } from "./services.ts";

/** No answer within this time is a failure. */
const TIMEOUT_MS = 2_000;
/** Answers are kept for so long: probing costs the same whoever asks how often. */
const KEPT_MS = 1_000;
const MIN_FREE_BYTES = 500 * 1024 * 1024;
/** A run that no worker has taken for so long says that the queue does not move. */
const STUCK_SECS = 600;

export interface CheckResult {
  ok: boolean;
  latency_ms: number;
  detail?: string;
}

export interface Readiness {
  status: "ready" | "not_ready";
  checks: Record<"database" | "migrations" | "queue" | "disk", CheckResult>;
}

/** Returns what measures whether the server can do its work. */
export function createReadiness({ database, config }: Services): () => Promise<Readiness> {
  const ask = async <Row>(sql: string): Promise<Row> => {
    const { rows } = await database.pool.query({ text: sql, query_timeout: TIMEOUT_MS } as { text: string });
    return rows[0] as Row;
  };
  const checks = {
    database: async () => {
      await ask("select 1");
      return { ok: true };
    },
    migrations: async () => {
      const [files, { applied }] = await Promise.all([
        readMigrations(),
        ask<{ applied: number }>("select count(*)::integer as applied from migrations"),
      ]);
      return { ok: applied === files.length, detail: `${applied} of ${files.length} applied` };
    },
    queue: async () => {
      const { tables, waiting, oldest } = await ask<{
        tables: boolean;
        waiting: number;
        oldest: number | null;
      }>(
        `select to_regclass('pgboss.version') is not null as tables, count(*)::integer as waiting,
          extract(epoch from now() - min(created_at))::integer as oldest
        from runs where finished_at is null and status = 'READY'`,
      );
      if (!tables) return { ok: false, detail: "the tables of pg-boss are missing" };
      const detail = `${waiting} runs wait${oldest === null ? "" : `, the first for ${oldest} s`}`;
      // Runs may wait for a slot as long as they like: that is load, and no reason to send clients away.
      const isStuck = oldest !== null && oldest > STUCK_SECS;
      return { ok: true, detail: isStuck ? `${detail}: is there a worker?` : detail };
    },
    disk: async () => {
      const { bavail, bsize } = await statfs(config.databaseDir ?? ".");
      const free = bavail * bsize;
      return { ok: free >= MIN_FREE_BYTES, detail: `${Math.round(free / 1024 / 1024)} MB free` };
    },
  };
  const measure = async (): Promise<Readiness> => {
    const names = Object.keys(checks) as (keyof typeof checks)[];
    const results = await Promise.all(names.map((name) => time(checks[name])));
    return {
      status: results.every(({ ok }) => ok) ? "ready" : "not_ready",
      // One result a name, in the same order.
      checks: Object.fromEntries(names.map((name, n) => [name, results[n]])) as Readiness["checks"],
    };
  };
  let kept: { readiness: Promise<Readiness>; until: number } | null = null;
  return () => {
    if (kept === null || kept.until < steadyNow())
      kept = { readiness: measure(), until: steadyNow() + KEPT_MS };
    return kept.readiness;
  };
}

/** A check that fails is a result, not an error. */
async function time(check: () => Promise<{ ok: boolean; detail?: string }>): Promise<CheckResult> {
  const startedAt = performance.now();
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  try {
    const result = await Promise.race([check(), timeout.promise]);
    return { ...result, latency_ms: latency() };
  } catch (error) {
    return { ok: false, latency_ms: latency(), detail: (error as Error).message || "no connection" };
  } finally {
    clearTimeout(timer);
  }
}
