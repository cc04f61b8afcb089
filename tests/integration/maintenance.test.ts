import { existsSync, mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../shared/config.ts";
import type { Database } from "../../shared/db/database.ts";
import { createLogger } from "../../shared/log.ts";
import { type Job, requestJob, runJob } from "../../shared/maintenance/jobs.ts";
import { startMaintenance } from "../../shared/maintenance/maintenance.ts";
import { findTask } from "../../shared/maintenance/tasks.ts";
import { openRuns } from "../../shared/runs/runs.ts";
import { readScheduleLog } from "../../shared/schedules/schedules.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

const log = createLogger({ level: "silent" });
const config = readConfig(
  { STORAGE_DIR: path.join(mkdtempSync(path.join(os.tmpdir(), "b9-maint-")), "new") },
  "none",
);
let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase({ maxConnections: 10 });
});
afterAll(() => cluster.stop());
afterEach(() =>
  query(
    "truncate schedules, maintenance_jobs, runs, run_logs, key_value_records, processes, alerts, system_logs cascade",
  ),
);

const query = async (sql: string, values?: unknown[]) => (await database.pool.query(sql, values)).rows;

async function addSchedule(id: string, task: string): Promise<void> {
  await query(
    `insert into schedules (id, name, task, input, cron, timezone, is_enabled, is_exclusive)
    values ($1, $1, $2, '{}', '* * * * *', 'UTC', false, true)`,
    [id, task],
  );
}

describe("a job", () => {
  const run = (owner: string, job: Job) => runJob({ database, owner, log }, job);
  const job = (changes: Partial<Job> = {}): Job => ({
    name: "sweep",
    everySecs: 60,
    leaseSecs: 60,
    run: async () => "swept",
    ...changes,
  });
  const request = (isExclusive = true, options: object = {}) =>
    database.kysely
      .transaction()
      .execute((transaction) =>
        requestJob(transaction, { name: "sweep", scheduleId: "s", options, isExclusive }),
      );

  it("is done by one process, and again when its time has come", async () => {
    let release = () => {};
    const work = vi.fn<() => Promise<string>>(
      () => new Promise<string>((resolve) => (release = () => resolve("swept"))),
    );
    const first = run("a", job({ run: work }));
    await vi.waitFor(() => expect(work).toHaveBeenCalledOnce());
    expect(await run("b", job({ run: work, everySecs: 0 }))).toBe(false);
    release();
    expect(await first).toBe(true);
    expect(await run("b", job())).toBe(false);
    await query("update maintenance_jobs set started_at = now() - interval '61 s'");
    expect(await run("b", job())).toBe(true);
  });

  it("goes to another process when the one that had it is dead", async () => {
    await query("select claim_job('sweep', 'dead', 60, 0.2)");
    await query("update maintenance_jobs set started_at = now() - interval '61 s'");
    expect(await run("b", job())).toBe(false);
    await query("select pg_sleep(0.3)");
    expect(await run("b", job())).toBe(true);
    await query("select finish_job('sweep', 'dead', 'too late', 60)");
    expect(await query("select last_error from maintenance_jobs")).toEqual([{ last_error: null }]);
  });

  it("that was asked for is done once, and its schedule's log says what was done", async () => {
    await addSchedule("s", "sweep");
    const asked = job({ everySecs: null, run: async (options) => `swept ${JSON.stringify(options)}` });
    expect(await run("a", asked)).toBe(false);
    expect(await request(true, { room: 1 })).toBe(true);
    expect(await request()).toBe(false);
    expect(await request(false, { room: 2 })).toBe(true);
    expect(await run("a", asked)).toBe(true);
    expect(await run("a", asked)).toBe(false);
    expect(await readScheduleLog(database, "s")).toMatchObject([
      { level: "INFO", message: 'swept {"room":2}' },
    ]);
    expect(await request()).toBe(true);
    expect(await run("a", asked)).toBe(true);
  });

  it("that was asked for and failed is tried again a minute later", async () => {
    await addSchedule("s", "sweep");
    const broken = job({ everySecs: null, run: () => Promise.reject(new Error("no broom")) });
    await request();
    expect(await run("a", broken)).toBe(false);
    expect(await readScheduleLog(database, "s")).toMatchObject([
      { level: "ERROR", message: "sweep failed: no broom" },
    ]);
    const repaired = { ...broken, run: async () => "swept" };
    expect(await run("a", repaired)).toBe(false);
    const [{ wait }] = (await query(
      "select extract(epoch from lease_expires_at - now())::float as wait from maintenance_jobs",
    )) as [{ wait: number }];
    expect(wait).toBeGreaterThan(50);
    await query("update maintenance_jobs set lease_expires_at = now()");
    expect(await run("b", repaired)).toBe(true);
    expect(await query("select last_error from maintenance_jobs")).toEqual([{ last_error: null }]);
  });
});

describe("a task", () => {
  const run = (name: string, input: object = {}) => findTask(name)!.run({ database, config, log }, input);
  const days = async (table: string) =>
    (await query(`select distinct day::text as day from ${table} order by day`)).map(({ day }) => day);

  it("cleanup_logs drops the days of logs that are old enough, and no other", async () => {
    const at = (age: number) => new Date(Date.now() - age * 86_400_000).toISOString();
    const logs = [0, 29, 31, 32].map((age) => ({ at: at(age), source: "x", level: "info", message: "m" }));
    await query("select write_logs($1)", [JSON.stringify(logs)]);
    await addSchedule("s", "cleanup_logs");
    await query(
      `insert into schedule_logs (schedule_id, level, message, at) values ('s', 'INFO', 'old', $1), ('s', 'INFO', 'new', $2)`,
      [at(31), at(29)],
    );
    await query(
      `insert into alerts (rule, subject, message, value, threshold, opened_at, last_seen_at, closed_at)
      values ('disk', 'open', '', 1, 1, $1, $1, null), ('disk', 'over', '', 1, 1, $1, $1, $1)`,
      [at(31)],
    );
    expect(await run("cleanup_logs")).toMatch(/removed 2 days of logs/);
    expect(await days("system_logs")).toEqual([at(29).slice(0, 10), at(0).slice(0, 10)]);
    expect(await query("select message from schedule_logs")).toEqual([{ message: "new" }]);
    expect(await query("select subject from alerts")).toEqual([{ subject: "open" }]);
    expect(
      await query("select to_regclass('system_logs_' || $1) as old", [
        at(31).slice(0, 10).replaceAll("-", ""),
      ]),
    ).toEqual([{ old: null }]);
    expect(await run("cleanup_logs", { days: 20 })).toMatch(/removed 1 days/);
  });

  it("storage_retention removes what runs have left, not the runs, and no logs of the system", async () => {
    await query(
      "insert into runs (id, actor, status, finished_at) values ('old', 'reddit', 'RUNNING', null), ('new', 'reddit', 'RUNNING', null)",
    );
    await query("update runs set status = 'SUCCEEDED'");
    await query("update runs set finished_at = now() - interval '8 days' where id = 'old'");
    for (const id of ["old", "new"]) {
      await query("insert into run_logs (run_id, start_offset, text) values ($1, 0, 'x')", [id]);
      await query("select put_record($1, 'OUTPUT', 'text/plain', 'x')", [id]);
    }
    await query("select put_record('reddit', 'KNOWN', 'text/plain', 'x')");
    const log8 = [{ at: new Date(Date.now() - 8 * 86_400_000), source: "x", level: "info", message: "m" }];
    await query("select write_logs($1)", [JSON.stringify(log8)]);
    await run("storage_retention");
    expect(await query("select run_id from run_logs")).toEqual([{ run_id: "new" }]);
    expect(await query("select store from key_value_records order by 1")).toEqual([
      { store: "new" },
      { store: "reddit" },
    ]);
    expect(await query("select id from runs order by 1")).toEqual([{ id: "new" }, { id: "old" }]);
    expect(await query("select from system_logs")).toHaveLength(1);
  });

  it("memory_monitor writes down who holds what, and warns of those above the limit", async () => {
    await query(
      `insert into processes (id, kind, name, host, pid, memory_bytes, disk_free_ratio)
      values ('1', 'server', 'web', 'h', 1, 1677721600, 1), ('2', 'worker', 'w', 'h', 2, 94371840, 1)`,
    );
    expect(await run("memory_monitor")).toBe("2 processes hold 1690 MB, 1 are above 1500 MB");
    expect(
      await query("select level, message from system_logs where source = 'memory_monitor' order by level"),
    ).toEqual([
      { level: "info", message: "worker w (pid 2 on h) holds 90 MB" },
      { level: "warn", message: "server web (pid 1 on h) holds 1600 MB" },
    ]);
  });
});

describe("maintenance in two processes", () => {
  const start = async (name: string, kind: "server" | "worker" = "server") => {
    const runs = await openRuns({ database, config, log });
    const maintenance = await startMaintenance({ database, runs, config, log, kind, name });
    return async () => {
      await maintenance.stop();
      await runs.close();
    };
  };

  it("fires each schedule once, does tasks and alerts once, and goes on after the database was away", async () => {
    const stops = await Promise.all([start("a"), start("b", "worker")]);
    const shipped = await query("select name from schedules where shipped is not null");
    expect(shipped.map(({ name }) => name)).toContain("reddit_continuous");
    expect(await query("select name from processes order by name")).toEqual([{ name: "a" }, { name: "b" }]);
    expect(existsSync(config.storageDir)).toBe(true);
    await query("insert into runs (id, actor, status) values ('f', 'reddit', 'RUNNING')");
    await query("update runs set status = 'FAILED', finished_at = now()");
    await query("update schedules set next_fire_at = now() where name = 'memory_monitor'");
    await query(
      "update schedules set is_enabled = true, is_exclusive = false, input = '{\"subreddits\": [\"node\"]}', next_fire_at = now() where scraper = 'reddit'",
    );

    await vi.waitFor(
      async () => {
        expect(await query("select rule from alerts where closed_at is null")).toContainEqual({
          rule: "run_failed",
        });
        expect((await readScheduleLog(database, "memory_monitor"))!.map(({ message }) => message)).toEqual([
          "asked for memory_monitor",
          expect.stringContaining("2 processes hold"),
        ]);
        expect(await query("select from runs where schedule_id is not null")).toHaveLength(1);
      },
      { timeout: 30_000, interval: 200 },
    );

    await cluster.kill();
    await vi.waitFor(
      async () => {
        await query("update schedules set next_fire_at = now() where scraper = 'reddit'");
      },
      { timeout: 30_000, interval: 200 },
    );
    await vi.waitFor(
      async () => expect(await query("select from runs where schedule_id is not null")).toHaveLength(2),
      { timeout: 30_000, interval: 200 },
    );
    await Promise.all(stops.map((stop) => stop()));
    expect(await query("select from processes")).toEqual([]);
  });

  it("does not begin with a receiver of alerts and no secret", async () => {
    const runs = await openRuns({ database, config, log });
    const unsigned = { ...config, alertWebhookUrl: "https://alerts.example/" };
    await expect(
      startMaintenance({ database, runs, config: unsigned, log, kind: "server", name: "a" }),
    ).rejects.toThrow(/ALERT_WEBHOOK_SECRET/);
    await runs.close();
  });
});
