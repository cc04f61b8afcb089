import { sql } from "kysely";
import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { MEGABYTE, readMemory } from "../maintenance/memory.ts";

/** Something is beyond its threshold. */
export interface Breach {
  rule: RuleName;
  /** What it is about: an alert is open once a rule and subject. */
  subject: string;
  message: string;
  value: number;
  threshold: number;
}

export const RULE_NAMES = [
  "memory",
  "error_rate",
  "no_new_data",
  "scraper_failing",
  "run_failed",
  "budget",
  "disk",
] as const;
export type RuleName = (typeof RULE_NAMES)[number];

export type AlertThresholds = Pick<
  Config,
  "alertMemoryMbytes" | "alertErrorRate" | "alertNoDataMins" | "alertDayCostUsd" | "alertDiskFree"
>;

type Measure = (
  database: Pick<Database, "kysely">,
  thresholds: AlertThresholds,
  now: Date,
) => Promise<Omit<Breach, "rule">[]>;

/** Below it a share of failed requests says little. */
const MIN_REQUESTS = 20;

/** What is beyond its threshold at `now`, by rule. */
export const RULES: Record<RuleName, Measure> = {
  /** Megabytes of one server, worker or run. */
  async memory(database, { alertMemoryMbytes: threshold }, now) {
    const uses = await readMemory(database, now);
    return uses
      .map(({ holder, bytes }) => ({ subject: holder, value: Math.round(bytes / MEGABYTE), threshold }))
      .filter(({ value }) => value >= threshold)
      .map((breach) => ({ ...breach, message: `${breach.subject} holds ${breach.value} MB` }));
  },

  /** Share of an actor's requests that failed, over the runs that were alive within the last hour. */
  async error_rate({ kysely }, { alertErrorRate: threshold }, now) {
    const { rows } = await sql<{ actor: string; failed: number; settled: number }>`
      select r.actor, sum(f.failed)::bigint as failed, sum(c.settled)::bigint as settled
      from runs r
      cross join lateral (
        select coalesce(sum(value), 0) as settled from run_counters
        where run_number = r.number and counter in ('handled', 'failed')
      ) c
      cross join lateral (
        select count(*) as failed
        from datasets d join dataset_items i on i.day = d.day and i.dataset_id = d.id
        where d.run_number = r.number and d.name = 'failed_requests' and i.item->>'outcome' <> 'gone'
      ) f
      where r.started_at is not null
        and (r.finished_at is null or r.finished_at > ${now}::timestamptz - interval '1 hour')
      group by r.actor
      having sum(c.settled) >= ${MIN_REQUESTS}`.execute(kysely);
    return rows
      .map(({ actor, failed, settled }) => ({ actor, failed, settled, value: failed / settled }))
      .filter(({ value }) => value > threshold)
      .map(({ actor, failed, settled, value }) => ({
        subject: actor,
        message: `${failed} of ${settled} requests of ${actor} failed`,
        value,
        threshold,
      }));
  },

  /** Minutes since a continuous scraper that is on stored its last item, or was switched on. Nothing due is no breach. */
  async no_new_data({ kysely }, { alertNoDataMins: threshold }, now) {
    const { rows } = await sql<{ scraper: string; since: Date }>`
      select s.scraper, greatest(s.switched_at, s.nothing_due_at, max(i.observed_at)) as since
      from schedules s
      left join lateral (
        select number, status from runs where schedule_id = s.id order by created_at desc limit 20
      ) r on true
      left join datasets d on d.run_number = r.number and d.name <> 'failed_requests'
      left join lateral (
        select (item->>'observed_at')::timestamptz as observed_at from dataset_items
        where day = d.day and dataset_id = d.id order by place desc limit 1
      ) i on true
      where s.scraper is not null and s.is_enabled and not exists (
        select from (select number, status from runs where schedule_id = s.id order by created_at desc limit 1) newest
        where newest.status = 'SUCCEEDED' and not exists (
          select from run_counters c where c.run_number = newest.number and c.counter = 'total' and c.value > 0))
      group by s.id`.execute(kysely);
    return rows
      .map(({ scraper, since }) => ({ scraper, value: (now.getTime() - since.getTime()) / 60_000 }))
      .filter(({ value }) => value >= threshold)
      .map(({ scraper, value }) => ({
        subject: scraper,
        message: `${scraper} has stored nothing for ${Math.round(value)} minutes`,
        value,
        threshold,
      }));
  },

  /** Minutes since the firings of a continuous scraper that is on launch nothing for an error. */
  async scraper_failing({ kysely }, _, now) {
    const rows = await kysely
      .selectFrom("schedules")
      .select(["scraper", "failing_since as since", "failure"])
      .where("scraper", "is not", null)
      .where("is_enabled", "=", true)
      .where("failing_since", "is not", null)
      .execute();
    return rows.map(({ scraper, since, failure }) => ({
      subject: scraper!,
      message: `${scraper} starts nothing since ${since!.toISOString()}: ${failure}`,
      value: Math.max(0, now.getTime() - since!.getTime()) / 60_000,
      threshold: 0,
    }));
  },

  /** Failed runs of an actor within a day, until one succeeds. */
  async run_failed({ kysely }, _, now) {
    const { rows } = await sql<{
      actor: string;
      failed: number;
      id: string;
      status: string;
      reason: string | null;
    }>`
      with ended as (
        select actor, id, status, status_message, created_at,
          max(created_at) filter (where status = 'SUCCEEDED') over (partition by actor) as succeeded_at
        from runs
        where finished_at > ${now}::timestamptz - interval '1 day' and status <> 'ABORTED'
      )
      select actor, count(*) as failed, (array_agg(id order by created_at desc))[1] as id,
        (array_agg(status order by created_at desc))[1] as status,
        (array_agg(status_message order by created_at desc))[1] as reason
      from ended where created_at > coalesce(succeeded_at, '-infinity')
      group by actor`.execute(kysely);
    return rows.map(({ actor, failed, id, status, reason }) => ({
      subject: actor,
      message: `run ${id} of ${actor} is ${status}${reason === null ? "" : `: ${reason}`}`,
      value: failed,
      threshold: 1,
    }));
  },

  /** What calls have cost since midnight, UTC. */
  async budget({ kysely }, { alertDayCostUsd: threshold }, now) {
    const { rows } = await sql<{ cost: number }>`
      select coalesce(sum(cost_usd), 0) as cost from api_usage_days
      where day = (${now}::timestamptz at time zone 'utc')::date`.execute(kysely);
    const value = rows[0]!.cost;
    if (value < threshold) return [];
    return [
      { subject: "day", message: `calls of today have cost ${value.toFixed(2)} USD`, value, threshold },
    ];
  },

  /** Free share of a host's disk. */
  async disk({ kysely }, { alertDiskFree: threshold }, now) {
    const { rows } = await sql<{ host: string; value: number }>`
      select host, min(disk_free_ratio) as value from processes
      where heartbeat_at > ${now}::timestamptz - interval '2 minutes'
      group by host having min(disk_free_ratio) < ${threshold}::double precision`.execute(kysely);
    return rows.map(({ host, value }) => ({
      subject: host,
      message: `${(value * 100).toFixed(1)} % of the disk of ${host} are free`,
      value,
      threshold,
    }));
  },
};
