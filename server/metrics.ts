import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Pool } from "pg";
import {
  readActivity,
  readBudgetTotals,
  readCallTotals,
  readOutcomes,
  readWaits,
} from "../shared/db/queries/activity.ts";
import type { CacheCounts } from "./http/answer-cache.ts";
import { Latencies, type RouteLatency } from "./latencies.ts";

export interface ServerMetrics {
  /** @param route its pattern; null: there is none */
  observe(request: { method: string; route: string | null; status: number; secs: number }): void;
  /** Latencies of the last requests of each route, the busiest first. */
  latencies(): RouteLatency[];
  /** Everything, as Prometheus reads it or as JSON; what the database knows is asked first. */
  render(as: "text" | "json"): Promise<string>;
  readonly contentType: string;
}

/** Instead of a pattern where no route fits: paths that nobody made are no label. */
const NO_ROUTE = "none";

interface Observed {
  latencies: Latencies;
  durations: Histogram.Internal<"route">;
  /** Requests by status. */
  statuses: Map<number, number>;
}

/** Prometheus metrics of this process, and of what the database tells all processes alike. */
export function createMetrics(pool: Pool, cacheCounts: Readonly<CacheCounts>): ServerMetrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  // Gauges that are named as counters are: Prometheus' own checks refuse them.
  for (const what of ["resources", "handles", "requests"])
    register.removeSingleMetric(`nodejs_active_${what}_total`);
  const registers = [register];
  const requests = new Counter({
    name: "b9_http_requests_total",
    help: "Requests to this server",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const durations = new Histogram({
    name: "b9_http_request_duration_seconds",
    help: "Time until the answer began",
    labelNames: ["route"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const cached = new Counter({
    name: "b9_cache_requests_total",
    help: "Questions to the cache of answers",
    labelNames: ["result"],
    registers,
  });
  // By route and method, then by status: prom-client would hash the labels anew for every request.
  const routes = new Map<string, Map<string, Observed>>();
  const observedOf = (method: string, route: string): Observed => {
    let methods = routes.get(route);
    if (!methods) routes.set(route, (methods = new Map()));
    let observed = methods.get(method);
    if (!observed) {
      observed = { latencies: new Latencies(), durations: durations.labels({ route }), statuses: new Map() };
      methods.set(method, observed);
    }
    return observed;
  };
  const refreshShared = createSharedMetrics(pool, registers);
  return {
    contentType: register.contentType,
    observe({ method, route, status, secs }) {
      const observed = observedOf(method, route ?? NO_ROUTE);
      observed.latencies.add(secs * 1000, status);
      observed.durations.observe(secs);
      observed.statuses.set(status, (observed.statuses.get(status) ?? 0) + 1);
    },
    latencies: () =>
      [...routes]
        .flatMap(([route, methods]) =>
          [...methods].map(([method, { latencies }]) => latencies.summarize(`${method} ${route}`)),
        )
        .sort((a, b) => b.requests - a.requests),
    async render(as) {
      await refreshShared();
      requests.reset();
      for (const [route, methods] of routes)
        for (const [method, { statuses }] of methods)
          for (const [status, n] of statuses) requests.inc({ method, route, status }, n);
      cached.reset();
      cached.inc({ result: "hit" }, cacheCounts.hits);
      cached.inc({ result: "miss" }, cacheCounts.misses);
      return as === "json" ? JSON.stringify(await register.getMetricsAsJSON()) : register.metrics();
    },
  };
}

/** Returns what brings the metrics of the database up to date. Those of a database that is away are left out. */
function createSharedMetrics(pool: Pool, registers: Registry[]): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const up = gauge("b9_database_up", "1: the database answers");
  const metrics = {
    runs: gauge("b9_runs", "Runs that are not over", ["status"]),
    queue: gauge("b9_queue_runs", "Runs that wait for a worker"),
    queueAge: gauge("b9_queue_oldest_seconds", "How long the first of them has waited"),
    pending: gauge("b9_pending_requests", "Requests that runs still have to make"),
    alerts: gauge("b9_open_alerts", "Alerts that are open"),
    waits: gauge("b9_limiter_wait_seconds", "Time that running runs have waited for budgets", ["actor"]),
    outcomes: gauge("b9_answers_24h", "Answers of sites to runs of the last 24 hours", ["actor", "outcome"]),
    calls: counter("b9_site_requests_total", "Calls in the cost ledger; status 0: no answer", [
      "actor",
      "site",
      "status",
    ]),
    cost: counter("b9_cost_usd_total", "Cost of calls", ["provider"]),
    sent: counter("b9_budget_requests_total", "Requests by the budget that they used", ["site", "budget"]),
    throttled: counter("b9_budget_throttled_total", "Of them, answered with 429", ["site", "budget"]),
  };
  const read = async () => {
    const [activity, calls, budgets, waits, outcomes] = await Promise.all([
      readActivity(pool),
      readCallTotals(pool),
      readBudgetTotals(pool),
      readWaits(pool),
      readOutcomes(pool),
    ]);
    for (const [status, n] of Object.entries(activity.runs_by_status)) metrics.runs.set({ status }, n);
    metrics.queue.set(activity.ready_runs);
    metrics.queueAge.set(activity.oldest_ready_secs ?? 0);
    metrics.pending.set(activity.pending_requests);
    metrics.alerts.set(activity.open_alerts);
    for (const { actor, outcome, requests } of outcomes) metrics.outcomes.set({ actor, outcome }, requests);
    for (const { actor, secs } of waits) metrics.waits.set({ actor }, secs);
    for (const { actor, provider, status, calls: n, cost_usd } of calls) {
      metrics.calls.inc({ actor, site: provider, status }, n);
      metrics.cost.inc({ provider }, cost_usd);
    }
    for (const { site, budget, sent, throttled } of budgets) {
      metrics.sent.inc({ site, budget }, sent);
      metrics.throttled.inc({ site, budget }, throttled);
    }
  };
  const refresh = async () => {
    for (const metric of Object.values(metrics)) metric.reset();
    await read().then(
      () => up.set(1),
      () => up.set(0),
    );
  };
  // Two scrapes at once must not add up.
  let refreshing: Promise<void> | null = null;
  return () => (refreshing ??= refresh().finally(() => (refreshing = null)));
}
