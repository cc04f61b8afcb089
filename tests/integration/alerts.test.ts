import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { evaluateAlerts } from "../../shared/alerts/evaluate.ts";
import { type RuleName, RULES } from "../../shared/alerts/rules.ts";
import type { Database } from "../../shared/db/database.ts";
import { createLogger } from "../../shared/log.ts";
import { bringShippedSchedules } from "../../shared/schedules/shipped.ts";
import { startScraper } from "../../shared/schedules/scrapers.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

const log = createLogger({ level: "silent" });
const config = {
  alertMemoryMbytes: 1500,
  alertErrorRate: 0.2,
  alertNoDataMins: 60,
  alertDayCostUsd: 20,
  alertDiskFree: 0.1,
  alertWebhookUrl: "https://alerts.example/",
};
let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());
afterEach(() =>
  query(
    "truncate schedules, runs, run_counters, datasets, dataset_items, processes, alerts, webhook_dispatches, api_usage, api_usage_days cascade",
  ),
);

const query = async (sql: string, values?: unknown[]) => (await database.pool.query(sql, values)).rows;
const minutes = (n: number) => new Date(Date.now() + n * 60_000);
const measure = (rule: RuleName, now = new Date()) => RULES[rule](database, config, now);
const evaluate = async (now = new Date(), changed = config) =>
  (await evaluateAlerts({ database, config: changed, log }, now)).map(
    ({ event, alert }) => `${event} ${alert.rule} ${alert.subject}`,
  );

async function addProcess(
  name: string,
  { megabytes = 100, free = 0.5, kind = "worker" } = {},
): Promise<void> {
  await query(
    `insert into processes (id, kind, name, host, pid, memory_bytes, disk_free_ratio)
    values ($1, $2, $1, 'h', 7, $3::bigint * 1048576, $4)
    on conflict (id) do update set memory_bytes = excluded.memory_bytes, disk_free_ratio = excluded.disk_free_ratio`,
    [name, kind, megabytes, free],
  );
}

/** A run with so many requests; `startedSecsAgo` makes the order. */
async function addRun(
  id: string,
  status: string,
  { handled = 0, failed = 0, gone = 0, scheduleId = null as string | null } = {},
) {
  await query(
    `insert into runs (id, actor, status, status_message, started_at, finished_at, schedule_id)
    values ($1, 'reddit', $2, 'because', now(), case when is_final($2) then now() end, $3)`,
    [id, status, scheduleId],
  );
  const [{ number }] = (await query("select number from runs where id = $1", [id])) as [{ number: number }];
  await query("select count_up($1, array['total', 'handled', 'failed'], array[$2, $3, $4]::bigint[])", [
    number,
    handled + failed + gone,
    handled,
    failed + gone,
  ]);
  for (const [outcome, count] of Object.entries({ blocked: failed, gone })) {
    if (count === 0) continue;
    await query("select open_dataset($1, 'failed_requests')", [number]);
    await query(
      `insert into dataset_items (day, dataset_id, key, place, item)
      select d.day, d.id, $2 || n, nextval('item_places'), jsonb_build_object('outcome', $2, 'observed_at', now() + interval '30 minutes')
      from datasets d, generate_series(1, $3::int) n where d.run_number = $1 and d.name = 'failed_requests'`,
      [number, outcome, count],
    );
  }
  return number;
}

describe("an alert", () => {
  it("of a rule that cannot be measured stays as it is, and the other rules go on", async () => {
    await addProcess("w1", { megabytes: 1600 });
    expect(await evaluate()).toEqual(["ALERT.OPENED memory worker w1 (pid 7 on h)"]);
    await query("alter table api_usage_days rename to usage_elsewhere");
    await addProcess("w1");
    await expect(evaluate(minutes(1))).rejects.toThrow(/could not be measured: budget: .*api_usage_days/);
    expect(await query("select closed_at is null as is_open from alerts")).toEqual([{ is_open: false }]);
    await query("alter table usage_elsewhere rename to api_usage_days");
    expect(await evaluate(minutes(2))).toEqual([]);
  });

  it("is opened once, goes on with the newest value, and is closed when its cause is gone", async () => {
    await addProcess("w1", { megabytes: 1600 });
    expect(await evaluate()).toEqual(["ALERT.OPENED memory worker w1 (pid 7 on h)"]);
    await addProcess("w1", { megabytes: 1700 });
    expect(await evaluate(minutes(1))).toEqual([]);
    expect(await query("select value, threshold, closed_at from alerts")).toEqual([
      { value: 1700, threshold: 1500, closed_at: null },
    ]);
    await addProcess("w1");
    const end = minutes(1.5);
    expect(await evaluate(end)).toEqual(["ALERT.CLOSED memory worker w1 (pid 7 on h)"]);
    expect(await evaluate(minutes(1.6))).toEqual([]);
    expect(await query("select closed_at from alerts")).toEqual([{ closed_at: end }]);

    await addProcess("w1", { megabytes: 1600 });
    expect(await evaluate(minutes(1.7))).toHaveLength(1);
    expect(await query("select from alerts")).toHaveLength(2);
  });

  it("is one, however many evaluate at once", async () => {
    await addProcess("w1", { megabytes: 1600 });
    const changes = await Promise.all(Array.from({ length: 4 }, () => evaluate()));
    expect(changes.flat()).toHaveLength(1);
    expect(await query("select from alerts")).toHaveLength(1);
    expect(await query("select from webhook_dispatches")).toHaveLength(1);
  });

  it("becomes a message when it opens and when it closes, where somebody wants them", async () => {
    await addProcess("w1", { megabytes: 1600 });
    await evaluate();
    await addProcess("w1");
    await evaluate();
    expect(
      await query(
        "select event_type, body->'alert'->>'rule' as rule from webhook_dispatches order by created_at",
      ),
    ).toEqual([
      { event_type: "ALERT.OPENED", rule: "memory" },
      { event_type: "ALERT.CLOSED", rule: "memory" },
    ]);
    await addProcess("w1", { megabytes: 1600 });
    const { alertWebhookUrl: _, ...nobody } = config;
    await evaluateAlerts({ database, config: { ...nobody, alertWebhookUrl: undefined }, log }, new Date());
    expect(await query("select from webhook_dispatches")).toHaveLength(2);
  });
});

describe("memory", () => {
  it("is that of servers, workers and the runs of workers, as long as they tell", async () => {
    await addProcess("s", { kind: "server", megabytes: 1500 });
    await addProcess("w", { megabytes: 1499 });
    await addRun("r1", "RUNNING");
    await query(
      `update runs set worker = 'w', lease_expires_at = now() + interval '1 hour', stats = '{"memCurrentBytes": 2097152000}'`,
    );
    expect(await measure("memory")).toEqual([
      {
        subject: "run r1 (worker w)",
        value: 2000,
        threshold: 1500,
        message: "run r1 (worker w) holds 2000 MB",
      },
      expect.objectContaining({ subject: "server s (pid 7 on h)", value: 1500 }),
    ]);
    expect(await measure("memory", minutes(3))).toHaveLength(1);
    expect(await measure("memory", minutes(61))).toEqual([]);
  });
});

describe("error rate", () => {
  it("counts what failed, not what is gone, over an actor's runs of the last hour", async () => {
    await addRun("a", "SUCCEEDED", { handled: 70, failed: 20, gone: 30 });
    await addRun("b", "RUNNING", { handled: 0, failed: 5 });
    expect(await measure("error_rate")).toEqual([]);
    await addRun("c", "RUNNING", { failed: 5 });
    expect(await measure("error_rate")).toEqual([
      { subject: "reddit", value: 30 / 130, threshold: 0.2, message: "30 of 130 requests of reddit failed" },
    ]);
    // Only the two that run are left, too few requests to tell.
    expect(await measure("error_rate", minutes(61))).toEqual([]);
  });
});

describe("no new data", () => {
  let scheduleId: string;
  beforeEach(async () => {
    await bringShippedSchedules(database, new Date());
    [{ id: scheduleId }] = (await query("select id from schedules where scraper = 'reddit'")) as [
      { id: string },
    ];
  });

  it("is told of a scraper that is on for so long and has stored nothing", async () => {
    expect(await measure("no_new_data", minutes(61))).toEqual([]);
    await startScraper(database, "reddit", new Date());
    expect(await measure("no_new_data", minutes(59))).toEqual([]);
    expect(await measure("no_new_data", minutes(61))).toEqual([
      expect.objectContaining({ subject: "reddit", message: "reddit has stored nothing for 61 minutes" }),
    ]);
  });

  it("counts from the newest item of its runs, failed requests aside", async () => {
    await startScraper(database, "reddit", new Date());
    const number = await addRun("r1", "RUNNING", { handled: 1, failed: 1, scheduleId });
    await query("select open_dataset($1, 'reddit_posts')", [number]);
    await query(
      `insert into dataset_items (day, dataset_id, key, place, item)
      select day, id, 'p', nextval('item_places'), jsonb_build_object('observed_at', $2::text)
      from datasets where run_number = $1 and name = 'reddit_posts'`,
      [number, minutes(10).toISOString()],
    );
    expect(await measure("no_new_data", minutes(69))).toEqual([]);
    expect(await measure("no_new_data", minutes(71))).toHaveLength(1);
  });

  it("is none when nothing is due", async () => {
    await startScraper(database, "reddit", new Date());
    await addRun("r1", "SUCCEEDED", { scheduleId });
    expect(await measure("no_new_data", minutes(61))).toEqual([]);
  });

  it("counts from when something was due again", async () => {
    await startScraper(database, "reddit", new Date());
    await addRun("r1", "SUCCEEDED", { handled: 1, scheduleId });
    await query("update schedules set nothing_due_at = $1 where scraper = 'reddit'", [minutes(50)]);
    expect(await measure("no_new_data", minutes(109))).toEqual([]);
    expect(await measure("no_new_data", minutes(111))).toHaveLength(1);
  });
});

describe("a failing scraper", () => {
  it("is told of while it is on and its firings launch nothing", async () => {
    await bringShippedSchedules(database, new Date());
    await startScraper(database, "reddit", new Date());
    expect(await evaluate()).toEqual([]);
    const since = minutes(-3);
    await query(
      "update schedules set failing_since = $1, failed_at = now(), failure = 'launched nothing: why' where scraper = 'reddit'",
      [since],
    );
    expect(await measure("scraper_failing", minutes(0))).toEqual([
      {
        subject: "reddit",
        message: `reddit starts nothing since ${since.toISOString()}: launched nothing: why`,
        value: expect.closeTo(3, 1),
        threshold: 0,
      },
    ]);
    expect(await evaluate()).toEqual(["ALERT.OPENED scraper_failing reddit"]);
    await query("update schedules set is_enabled = false where scraper = 'reddit'");
    expect(await evaluate()).toEqual(["ALERT.CLOSED scraper_failing reddit"]);
  });
});

describe("a failed run", () => {
  it("is told of until one succeeds, or for a day", async () => {
    await addRun("a", "SUCCEEDED");
    await addRun("b", "FAILED");
    await addRun("c", "TIMED-OUT");
    await addRun("d", "ABORTED");
    const [breach] = await measure("run_failed");
    expect(breach).toEqual({
      subject: "reddit",
      value: 2,
      threshold: 1,
      message: "run c of reddit is TIMED-OUT: because",
    });
    expect(await measure("run_failed", minutes(24 * 60 + 1))).toEqual([]);
    await addRun("e", "SUCCEEDED");
    expect(await measure("run_failed")).toEqual([]);
  });
});

describe("the budget of a day", () => {
  it("is what calls have cost since midnight", async () => {
    const usage = (cost_usd: number, at: string) => ({
      provider: "p",
      endpoint: "/e",
      status: 200,
      cost_usd,
      at,
    });
    const record = (rows: object[]) => query("select record_usage($1)", [JSON.stringify(rows)]);
    await record([usage(100, "2026-03-01T23:59:59Z"), usage(19.5, "2026-03-02T00:00:01Z")]);
    const noon = new Date("2026-03-02T12:00:00Z");
    expect(await measure("budget", noon)).toEqual([]);
    await record([usage(0.5, "2026-03-02T11:00:00Z")]);
    expect(await measure("budget", noon)).toEqual([
      { subject: "day", value: 20, threshold: 20, message: "calls of today have cost 20.00 USD" },
    ]);
  });
});

describe("a disk", () => {
  it("is told of once a host when too little of it is free", async () => {
    await addProcess("a", { free: 0.1 });
    expect(await measure("disk")).toEqual([]);
    await addProcess("b", { free: 0.07 });
    await addProcess("c", { free: 0.05 });
    expect(await measure("disk")).toEqual([
      { subject: "h", value: 0.05, threshold: 0.1, message: "5.0 % of the disk of h are free" },
    ]);
  });
});
