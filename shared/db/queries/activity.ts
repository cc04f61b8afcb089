import type { Pool } from "pg";

/** What runs are doing, in one row. Rates and pending requests are as the runs have told them last. */
export interface Activity {
  runs_by_status: Record<string, number>;
  /** READY runs, and how long the first of them has waited. */
  ready_runs: number;
  oldest_ready_secs: number | null;
  requests_per_minute: number;
  items_per_minute: number;
  pending_requests: number;
  /** Runs that ended in the last 24 hours, and those of them that SUCCEEDED. */
  finished_24h: number;
  succeeded_24h: number;
  open_alerts: number;
}

export async function readActivity(pool: Pool): Promise<Activity> {
  const { rows } = await pool.query<Activity>(
    `with active as materialized (
      select status, created_at, progress from runs where finished_at is null
    ), ended as materialized (
      select status from runs where finished_at > now() - interval '1 day'
    )
    select
      (select coalesce(jsonb_object_agg(status, n), '{}')
        from (select status, count(*) as n from active group by status) s) as runs_by_status,
      count(*) filter (where status = 'READY') as ready_runs,
      extract(epoch from now() - min(created_at) filter (where status = 'READY'))::integer as oldest_ready_secs,
      coalesce(sum((progress->>'requestsPerMinute')::double precision) filter (where status = 'RUNNING'), 0)
        as requests_per_minute,
      coalesce(sum((progress->>'itemsPerMinute')::double precision) filter (where status = 'RUNNING'), 0)
        as items_per_minute,
      coalesce(sum((progress->>'requestsPending')::double precision), 0)::bigint as pending_requests,
      (select count(*) from ended) as finished_24h,
      (select count(*) from ended where status = 'SUCCEEDED') as succeeded_24h,
      (select count(*) from alerts where closed_at is null) as open_alerts
    from active`,
  );
  return rows[0]!;
}

export interface Cost {
  today_usd: number;
  month_usd: number;
  /** If the rest of the month (UTC) costs as much a day as it did so far. */
  projected_month_usd: number;
}

export async function readCost(pool: Pool): Promise<Cost> {
  const { rows } = await pool.query<Cost>(
    `select today_usd, month_usd,
      month_usd * extract(epoch from interval '1 month' + begun - begun)::double precision
        / greatest(extract(epoch from utc - begun)::double precision, 3600) as projected_month_usd
    from (
      select coalesce(sum(cost_usd) filter (where day = utc::date), 0)::double precision as today_usd,
        coalesce(sum(cost_usd), 0)::double precision as month_usd, utc, begun
      from (select now() at time zone 'utc' as utc, date_trunc('month', now() at time zone 'utc') as begun) t
      left join api_usage_days on day >= begun::date
      group by utc, begun
    ) c`,
  );
  return rows[0]!;
}

/** Sums of the ledger for ever, one a provider, actor and HTTP status. */
export interface CallTotal {
  provider: string;
  /** Empty: of no run. */
  actor: string;
  /** 0: no answer. */
  status: number;
  calls: number;
  cost_usd: number;
}

export async function readCallTotals(pool: Pool): Promise<CallTotal[]> {
  const { rows } = await pool.query<CallTotal>(
    `select provider, actor, status, sum(calls)::bigint as calls, sum(cost_usd) as cost_usd
    from api_usage_days group by provider, actor, status`,
  );
  return rows;
}

export interface BudgetTotal {
  site: string;
  budget: string;
  sent: number;
  throttled: number;
}

/** Requests of the budgets that crawls share, and those of them that the site answered with 429. */
export async function readBudgetTotals(pool: Pool): Promise<BudgetTotal[]> {
  const { rows } = await pool.query<BudgetTotal>(
    "select site, name as budget, sent, throttled from budgets order by site, name",
  );
  return rows;
}

/** Seconds that requests of the runs that are going on have waited for a budget, by actor. */
export async function readWaits(pool: Pool): Promise<{ actor: string; secs: number }[]> {
  const { rows } = await pool.query<{ actor: string; secs: number }>(
    `select actor, coalesce(sum((progress->>'waitedSecs')::double precision), 0) as secs
    from runs where finished_at is null group by actor`,
  );
  return rows;
}

export interface OutcomeTotal {
  actor: string;
  /** As the crawl kit classifies answers: `ok`, `rateLimited`, … */
  outcome: string;
  requests: number;
}

/** Answers by outcome, of runs that go on or ended in the last 24 hours, as they have told last. */
export async function readOutcomes(pool: Pool): Promise<OutcomeTotal[]> {
  const { rows } = await pool.query<OutcomeTotal>(
    `select actor, outcome, sum(n::bigint)::bigint as requests
    from runs
    cross join lateral jsonb_each_text(
      case when jsonb_typeof(progress->'outcomes') = 'object' then progress->'outcomes' else '{}' end
    ) as o(outcome, n)
    where finished_at is null or finished_at > now() - interval '1 day'
    group by actor, outcome`,
  );
  return rows;
}
