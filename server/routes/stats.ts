import type { H3 } from "h3";
import { z } from "zod";
import { readActivity, readCost } from "../../shared/db/queries/activity.ts";
import { readFreshness, readTableTotals } from "../../shared/db/queries/totals.ts";
import { createEventLoopReader, createProcessReader } from "../process-stats.ts";
import { route } from "../http/route.ts";
import type { Services } from "../services.ts";

const tag = "Statistics";

const Freshness = z.object({
  table: z.string(),
  refreshed_24h: z.number().nullable().meta({ description: "share of the rows; null: there are none" }),
  last_observed_at: z.iso.datetime().nullable(),
});

/** What a first page shows is never older. */
const DASHBOARD_SECS = 10;

/** What dashboards show first. Answers are kept for CACHE_TTL; `Age` says how old they are. */
export function addStats(app: H3, { config, database: { pool }, metrics, cache }: Services): void {
  const cacheSecs = config.cacheTtlSecs;

  route(app, {
    method: "GET",
    path: "/api/stats",
    scope: "read",
    tag,
    summary: "Rows of every table, their growth, and how fresh they are",
    response: z.object({
      tables: z.array(
        z.object({
          name: z.string(),
          rows: z.int().nullable().meta({ description: "null: neither counted nor ever analysed" }),
          is_estimate: z.boolean(),
          growth_24h: z.int().nullable().meta({ description: "null: not counted" }),
          growth_7d: z.int().nullable(),
        }),
      ),
      freshness: z.array(Freshness),
    }),
    cacheSecs,
    handler: async () => {
      const [tables, freshness] = await Promise.all([readTableTotals(pool), readFreshness(pool)]);
      return { tables, freshness };
    },
  });

  route(app, {
    method: "GET",
    path: "/api/stats/dashboard",
    scope: "read",
    tag,
    summary: "What the first page shows: runs, throughput, success, queue, freshness, cost, alerts",
    response: z.object({
      runs: z.record(z.string(), z.int()).meta({ description: "those that are not over, by status" }),
      throughput: z.object({ requests_per_minute: z.number(), items_per_minute: z.number() }),
      success_24h: z.object({
        finished: z.int(),
        succeeded: z.int(),
        rate: z.number().nullable().meta({ description: "null: no run has ended" }),
      }),
      queue: z.object({
        ready_runs: z.int(),
        oldest_ready_secs: z.int().nullable(),
        pending_requests: z.int(),
      }),
      freshness: z.array(Freshness),
      cost: z.object({ today_usd: z.number(), month_usd: z.number(), projected_month_usd: z.number() }),
      open_alerts: z.int(),
    }),
    cacheSecs: Math.min(DASHBOARD_SECS, cacheSecs),
    handler: async () => {
      const [activity, freshness, cost] = await Promise.all([
        readActivity(pool),
        readFreshness(pool),
        readCost(pool),
      ]);
      const { finished_24h: finished, succeeded_24h: succeeded } = activity;
      return {
        runs: activity.runs_by_status,
        throughput: {
          requests_per_minute: activity.requests_per_minute,
          items_per_minute: activity.items_per_minute,
        },
        success_24h: { finished, succeeded, rate: finished > 0 ? succeeded / finished : null },
        queue: {
          ready_runs: activity.ready_runs,
          oldest_ready_secs: activity.oldest_ready_secs,
          pending_requests: activity.pending_requests,
        },
        freshness,
        cost,
        open_alerts: activity.open_alerts,
      };
    },
  });

  const readProcess = createProcessReader();
  const readEventLoop = createEventLoopReader();
  route(app, {
    method: "GET",
    path: "/api/stats/performance",
    scope: "read",
    tag,
    summary: "Latencies by route, and what this server uses",
    response: z.object({
      routes: z.array(
        z.object({
          route: z.string(),
          requests: z.int(),
          errors: z.int(),
          p50_ms: z.number(),
          p95_ms: z.number(),
          p99_ms: z.number(),
        }),
      ),
      process: z.object({
        cpu_percent: z.number(),
        event_loop_utilization: z.number(),
        rss_bytes: z.int(),
        heap_used_bytes: z.int(),
      }),
      event_loop_lag: z.object({ mean_ms: z.number(), p99_ms: z.number(), max_ms: z.number() }),
      cache: z.object({ hits: z.int(), misses: z.int() }),
    }),
    handler: () => ({
      routes: metrics.latencies(),
      process: readProcess(),
      event_loop_lag: readEventLoop(),
      cache: cache.counts,
    }),
  });
}
