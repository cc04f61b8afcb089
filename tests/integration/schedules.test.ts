import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { createLogger } from "../../shared/log.ts";
import { openRuns, type Runs } from "../../shared/runs/runs.ts";
import { fireDueSchedules } from "../../shared/schedules/fire.ts";
import type { ScheduleSettings } from "../../shared/schedules/schedule.ts";
import {
  createSchedule,
  findSchedule,
  listSchedules,
  readScheduleLog,
  removeSchedule,
  updateSchedule,
} from "../../shared/schedules/schedules.ts";
import { readScrapers, startScraper, stopScraper } from "../../shared/schedules/scrapers.ts";
import { bringShippedSchedules } from "../../shared/schedules/shipped.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

const log = createLogger({ level: "silent" });
let cluster: TestCluster;
let database: Database;
let runs: Runs;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
  runs = await openRuns({ database, config: { runLeaseSecs: 30 }, log });
});
afterAll(async () => {
  await runs.close();
  await cluster.stop();
});
afterEach(() =>
  database.pool.query("truncate schedules, maintenance_jobs, runs, work_leases, reddit_subreddits cascade"),
);

const T0 = new Date("2030-01-01T10:00:30Z");
const later = (secs: number) => new Date(T0.getTime() + secs * 1000);

function settings(changes: Partial<ScheduleSettings> = {}): ScheduleSettings {
  return {
    name: "each-minute",
    title: null,
    description: "",
    work: { kind: "run", actor: "reddit", input: { subreddits: ["node"] }, options: {} },
    cron: "* * * * *",
    timezone: "UTC",
    isEnabled: true,
    isExclusive: true,
    ...changes,
  };
}

const create = (changes: Partial<ScheduleSettings> = {}) =>
  createSchedule({ database, runs }, settings(changes), T0);
const fire = (now: Date, by: Pick<Runs, "launch"> = runs) =>
  fireDueSchedules({ database, runs: by, log }, now);
const messages = async (id: string) =>
  (await readScheduleLog(database, id))!.map(({ level, message }) => `${level} ${message}`);
const runsOf = async (scheduleId: string) =>
  (await runs.list({ scheduleId, limit: 100, offset: 0, desc: false })).items;
const setStatus = (id: string, status: string) =>
  database.pool.query("update runs set status = $2 where id = $1", [id, status]);

describe("a schedule", () => {
  it("launches its run when its time comes, not before", async () => {
    const { id, nextFireAt } = await create({
      work: {
        kind: "run",
        actor: "reddit",
        input: { subreddits: ["node"] },
        options: { timeoutSecs: 60, memoryMbytes: 512 },
      },
    });
    expect(nextFireAt).toEqual(new Date("2030-01-01T10:01:00Z"));
    expect(await fire(later(29))).toBe(0);
    expect(await fire(later(30))).toBe(1);
    expect(await fire(later(30))).toBe(0);
    const [run, ...others] = await runsOf(id);
    expect(others).toEqual([]);
    expect(run).toMatchObject({
      actor: "reddit",
      origin: "SCHEDULER",
      options: { timeoutSecs: 60, memoryMbytes: 512 },
    });
    expect(await runs.input(run!.id)).toMatchObject({ subreddits: ["node"] });
    expect(await findSchedule(database, id)).toMatchObject({
      lastRunId: run!.id,
      lastFiredAt: later(30),
      nextFireAt: new Date("2030-01-01T10:02:00Z"),
    });
    expect(await messages(id)).toEqual([`INFO launched run ${run!.id}`]);
  });

  it("skips a time at which its last run is alive, and goes on when it is over", async () => {
    const { id } = await create();
    await fire(later(30));
    const [run] = await runsOf(id);
    await fire(later(90));
    expect(await messages(id)).toContain(`WARN skipped: its run ${run!.id} is READY`);
    await setStatus(run!.id, "SUCCEEDED");
    await fire(later(150));
    expect(await runsOf(id)).toHaveLength(2);
  });

  it("launches beside its last run when it is not exclusive", async () => {
    const { id } = await create({ isExclusive: false });
    await fire(later(30));
    await fire(later(90));
    expect(await runsOf(id)).toHaveLength(2);
  });

  it("makes up for a downtime once", async () => {
    const { id } = await create({ isExclusive: false });
    expect(await fire(later(3600))).toBe(1);
    expect(await fire(later(3601))).toBe(0);
    const [run, ...others] = await runsOf(id);
    expect(others).toEqual([]);
    expect(await messages(id)).toEqual([
      `INFO launched run ${run!.id}; it was due since 2030-01-01T10:01:00.000Z, and counts for all times since`,
    ]);
    expect((await findSchedule(database, id))!.nextFireAt).toEqual(new Date("2030-01-01T11:01:00Z"));
  });

  it("fires once, however many servers there are", async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async (n) => (await create({ name: `s${n}`, isExclusive: false })).id),
    );
    const fired = await Promise.all(Array.from({ length: 4 }, () => fire(later(30))));
    expect(fired.reduce((sum, n) => sum + n)).toBe(3);
    for (const id of ids) expect(await runsOf(id)).toHaveLength(1);
  });

  it("leaves nothing of a firing in which a process died, and fires again", async () => {
    const { id } = await create({ isExclusive: false });
    const dying: Pick<Runs, "launch"> = {
      async launch(...launch) {
        await runs.launch(...launch);
        throw new Error("killed");
      },
    };
    expect(await fire(later(30), dying)).toBe(0);
    expect(await runsOf(id)).toEqual([]);
    expect(await messages(id)).toEqual([]);
    expect(await fire(later(31))).toBe(1);
    expect(await runsOf(id)).toHaveLength(1);
  });

  it("says in its log what its actor does not take any more, and keeps its times", async () => {
    const { id } = await create();
    await database.pool.query(`update schedules set input = '{"subreddits": 7}' where id = $1`, [id]);
    expect(await fire(later(30))).toBe(1);
    expect(await runsOf(id)).toEqual([]);
    expect(await messages(id)).toEqual([expect.stringMatching(/^ERROR launched nothing: .*subreddits/)]);
    expect((await findSchedule(database, id))!.nextFireAt).toEqual(new Date("2030-01-01T10:02:00Z"));
  });

  it("is tried again when the launch fails, and does not stop the others", async () => {
    const { id } = await create({ name: "broken" });
    const { id: other } = await create({ name: "other", cron: "*/2 * * * *" });
    const broken: Pick<Runs, "launch"> = {
      launch: (options, within) =>
        options.scheduleId === id ? Promise.reject(new Error("no connection")) : runs.launch(options, within),
    };
    await fire(later(90), broken);
    expect(await runsOf(other)).toHaveLength(1);
    expect(await messages(id)).toEqual([]);
    await fire(later(91));
    expect(await runsOf(id)).toHaveLength(1);
  });

  it("asks for a task of maintenance, once until it is done", async () => {
    const { id } = await create({ work: { kind: "task", task: "cleanup_logs", input: { days: 3 } } });
    await fire(later(30));
    await fire(later(90));
    expect(await messages(id)).toEqual([
      "INFO asked for cleanup_logs",
      "WARN skipped: cleanup_logs is not done yet",
    ]);
    const { rows } = await database.pool.query("select name, options, schedule_id from maintenance_jobs");
    expect(rows).toEqual([{ name: "cleanup_logs", options: { days: 3 }, schedule_id: id }]);
  });
});

describe("settings of a schedule", () => {
  it("are found by id and name, changed, and removed", async () => {
    const { id } = await create();
    await create({ name: "b", isEnabled: false });
    expect((await listSchedules(database, { limit: 1, offset: 1, desc: false })).items[0]!.name).toBe("b");
    expect(await listSchedules(database, { limit: 1, offset: 0, desc: true })).toMatchObject({ total: 2 });
    const changed = await updateSchedule(
      { database, runs },
      "each-minute",
      { cron: "0 12 * * *", timezone: "Asia/Tokyo" },
      T0,
    );
    expect(changed).toMatchObject({ id, nextFireAt: new Date("2030-01-02T03:00:00Z"), isExclusive: true });
    expect(await updateSchedule({ database, runs }, "none", {}, T0)).toBeUndefined();
    expect(await removeSchedule(database, id)).toBe(true);
    expect(await removeSchedule(database, id)).toBe(false);
    expect(await findSchedule(database, "b")).toMatchObject({ nextFireAt: null });
  });

  it("that say nothing of the time keep the next one", async () => {
    const { id, nextFireAt } = await create();
    const changed = await updateSchedule({ database, runs }, id, { description: "x" }, later(7200));
    expect(changed!.nextFireAt).toEqual(nextFireAt);
  });

  it("that switch it on count from then", async () => {
    const { id } = await create({ isEnabled: false });
    const changed = await updateSchedule({ database, runs }, id, { isEnabled: true }, later(7200));
    expect(changed!.nextFireAt).toEqual(new Date("2030-01-01T12:01:00Z"));
    expect(await fire(later(7229))).toBe(0);
  });

  it.each<[string, Partial<ScheduleSettings>, RegExp]>([
    ["cron", { cron: "* * *" }, /^cronExpression: /],
    ["time zone", { timezone: "Europe/Nowhere" }, /^timezone: .*"Europe\/Nowhere"/],
    ["name", { name: "two words" }, /^name: .*"two words"/],
    [
      "actor",
      { work: { kind: "run", actor: "twitter", input: {}, options: {} } },
      /^actions\[0\]\.actorId: .*"twitter"/,
    ],
    [
      "input",
      { work: { kind: "run", actor: "reddit", input: { subreddits: 7 }, options: {} } },
      /^actions\[0\]\.runInput: .*subreddits/,
    ],
    [
      "task",
      { work: { kind: "task", task: "mow", input: {} } },
      /^actions\[0\]\.task: .*cleanup_logs.*"mow"/,
    ],
    [
      "task's input",
      { work: { kind: "task", task: "cleanup_logs", input: { days: 0 } } },
      /^actions\[0\]\.input: .*days/s,
    ],
  ])("with a wrong %s are refused, and change nothing", async (_, wrong, message) => {
    await expect(create(wrong)).rejects.toThrow(message);
    const { id } = await create();
    const before = await findSchedule(database, id);
    await expect(updateSchedule({ database, runs }, id, wrong, T0)).rejects.toThrow(message);
    expect(await findSchedule(database, id)).toEqual(before);
    expect((await listSchedules(database, { limit: 9, offset: 0, desc: false })).total).toBe(1);
  });

  it("with the name of another one are refused", async () => {
    await create();
    const { id } = await create({ name: "b" });
    await expect(create()).rejects.toThrow(/"each-minute"/);
    await expect(updateSchedule({ database, runs }, id, { name: "each-minute" }, T0)).rejects.toThrow(
      /another/,
    );
  });

  it("can be switched off whatever has become of the actor", async () => {
    const { id } = await create();
    await sql`update schedules set actor = 'gone' where id = ${id}`.execute(database.kysely);
    await expect(updateSchedule({ database, runs }, id, { isEnabled: false }, T0)).resolves.toMatchObject({
      nextFireAt: null,
    });
    await expect(updateSchedule({ database, runs }, id, { isEnabled: true }, T0)).rejects.toThrow(/gone/);
  });
});

describe("shipped schedules", () => {
  it("are brought once: maintenance on, scrapers off", async () => {
    const names = await bringShippedSchedules(database, T0);
    expect(names).toEqual(
      expect.arrayContaining(["reddit_continuous", "cleanup_logs", "storage_retention", "memory_monitor"]),
    );
    expect(await bringShippedSchedules(database, T0)).toEqual([]);
    expect(await findSchedule(database, "reddit_continuous")).toMatchObject({
      cron: "* * * * *",
      work: { actor: "reddit", input: { due: 100 } },
      isEnabled: false,
      nextFireAt: null,
    });
    expect(await findSchedule(database, "cleanup_logs")).toMatchObject({
      work: { input: { days: 30 } },
      nextFireAt: new Date("2030-01-02T00:00:00Z"),
    });
  });

  it("of scrapers are there for every actor that can be asked for what is due, which takes their input", async () => {
    await bringShippedSchedules(database, T0);
    const { items } = await listSchedules(database, { limit: 100, offset: 0, desc: false });
    const scrapers = items.flatMap(({ scraper, work }) =>
      scraper !== null && work.kind === "run" ? [work] : [],
    );
    expect(scrapers.map(({ actor }) => actor).sort()).toEqual(
      runs.actors
        .filter(({ due }) => due)
        .map(({ name }) => name)
        .sort(),
    );
    for (const { actor, input } of scrapers) await runs.validateInput(actor, input);
  });

  it("stay as people have changed them, renamed ones too", async () => {
    await bringShippedSchedules(database, T0);
    await updateSchedule({ database, runs }, "cleanup_logs", { cron: "0 5 * * *", isEnabled: false }, T0);
    await updateSchedule({ database, runs }, "memory_monitor", { name: "memory" }, T0);
    expect(await bringShippedSchedules(database, T0)).toEqual([]);
    expect(await findSchedule(database, "cleanup_logs")).toMatchObject({
      cron: "0 5 * * *",
      isEnabled: false,
    });
    expect(await findSchedule(database, "memory_monitor")).toBeUndefined();
  });

  it("cannot be removed, for the next start would bring them again", async () => {
    await bringShippedSchedules(database, T0);
    await expect(removeSchedule(database, "cleanup_logs")).rejects.toThrow(/isEnabled/);
  });
});

describe("a continuous scraper", () => {
  const status = async (now = new Date()) =>
    (await readScrapers(database, now)).find((s) => s.scraper === "reddit")!;
  beforeEach(async () => {
    await bringShippedSchedules(database, new Date());
    await database.pool.query("insert into reddit_subreddits (name, review) values ('node', 'Ok')");
  });

  it("starts at once, and is started once", async () => {
    expect(await status()).toMatchObject({
      desired: "stopped",
      actual: "stopped",
      currentRun: null,
      nextStartAt: null,
    });
    const now = new Date();
    await startScraper(database, "reddit", now);
    await startScraper(database, "reddit", new Date(now.getTime() + 50_000));
    expect(await status(now)).toMatchObject({ desired: "running", actual: "idle", nextStartAt: now });
    await fire(now);
    expect(await status()).toMatchObject({
      actual: "waiting",
      currentRun: { status: "READY" },
      counters: { runs: 1, succeeded: 0 },
    });
  });

  it("makes no run when nothing is due, and its log counts those firings", async () => {
    await database.pool.query("delete from reddit_subreddits");
    const now = new Date();
    const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
    await startScraper(database, "reddit", now);
    for (const minutes of [0, 1, 2]) await fire(at(minutes));
    const { schedule, counters, actual } = await status(at(2));
    expect({ counters, actual }).toMatchObject({ counters: { runs: 0 }, actual: "idle" });
    expect(await messages(schedule.id)).toEqual([
      expect.stringMatching(/^INFO nothing is due; 3 times since \d{4}-.*Z$/),
    ]);
    await database.pool.query("insert into reddit_subreddits (name) values ('node')");
    await fire(at(3));
    expect((await status(at(3))).counters.runs).toBe(1);
    expect(await messages(schedule.id)).toEqual([
      expect.stringMatching(/^INFO nothing is due; 3 times/),
      expect.stringMatching(/^INFO launched run/),
    ]);
  });

  it("starts what can be used beside what cannot, and says what it has set aside", async () => {
    await database.pool.query(
      "insert into reddit_subreddits (name) values ('reddit.com'), ('a/b'), ('t:1337')",
    );
    const now = new Date();
    await startScraper(database, "reddit", now);
    await fire(now);
    const { currentRun } = await status(now);
    const { subreddits } = (await runs.input(currentRun!.id)) as { subreddits: string[] };
    expect(subreddits.sort()).toEqual(["node", "reddit.com", "t:1337"]);
    await database.pool.query("update reddit_subreddits set name = 'c/d' where name = 'node'");
    await database.pool.query("delete from reddit_subreddits where name <> 'c/d'");
    await database.pool.query("truncate runs, work_leases");
    const next = new Date(now.getTime() + 60_000);
    await fire(next);
    const { schedule, counters } = await status(next);
    expect(counters.runs).toBe(0);
    expect((await messages(schedule.id)).at(-1)).toMatch(/^INFO nothing is due; set aside .*"c\/d"/);
  });

  it("is failing while its firings launch nothing for an error, whatever the error, until one goes well", async () => {
    const now = new Date();
    const at = (secs: number) => new Date(now.getTime() + secs * 1000);
    await startScraper(database, "reddit", now);
    const spoil = (input: object) =>
      database.pool.query("update schedules set input = $1 where scraper = 'reddit'", [input]);
    await spoil({ due: 5, listings: 7 });
    await fire(now);
    await fire(at(60));
    expect(await status(at(61))).toMatchObject({
      actual: "failing",
      desired: "running",
      schedule: {
        failure: { since: now, at: at(60), message: expect.stringMatching(/^launched nothing: .*listings/) },
      },
    });
    expect((await status(at(300))).actual).toBe("stalled");
    await spoil({ due: 5 });
    const broken: Pick<Runs, "launch"> = { launch: () => Promise.reject(new Error("no such function")) };
    await fire(at(300), broken);
    expect(await status(at(301))).toMatchObject({
      actual: "failing",
      schedule: { failure: { since: now, message: "no such function" } },
    });
    await fire(at(302));
    expect(await status(at(303))).toMatchObject({ actual: "waiting", schedule: { failure: null } });

    await setStatus((await status()).currentRun!.id, "SUCCEEDED");
    await spoil({ due: 5, listings: 7 });
    await fire(at(400));
    await stopScraper({ database, runs }, "reddit");
    expect((await status(at(401))).actual).toBe("stopped");
    await startScraper(database, "reddit", at(402));
    expect(await status(at(402))).toMatchObject({ actual: "idle", schedule: { failure: null } });
  });

  it("stops with its run, and is stopped once", async () => {
    const now = new Date();
    await startScraper(database, "reddit", now);
    await fire(now);
    await stopScraper({ database, runs }, "reddit");
    const stopped = await status();
    expect(stopped).toMatchObject({ desired: "stopped", actual: "stopped", lastRun: { status: "ABORTED" } });
    await stopScraper({ database, runs }, "reddit");
    expect(await status()).toEqual(stopped);
    await fire(new Date(now.getTime() + 3_600_000));
    expect((await status()).counters.runs).toBe(1);
  });

  it("shows what the rows say: a worker at work, lost, ending; nobody there", async () => {
    const now = new Date();
    await startScraper(database, "reddit", now);
    await fire(now);
    const { id } = (await status()).currentRun!;
    await database.pool.query("select lease_run($1, 'w', 30)", [id]);
    await database.pool.query(
      `update runs set heartbeat_at = now() - interval '4 s', progress = '{"requestsFinished": 7, "requestsFailed": 2}' where id = $1`,
      [id],
    );
    const running = await status();
    expect(running).toMatchObject({
      actual: "running",
      currentRun: { worker: "w" },
      counters: { requestsFinished: 7, requestsFailed: 2 },
    });
    expect(running.heartbeatAgeSecs).toBeGreaterThan(3.9);
    expect(running.heartbeatAgeSecs).toBeLessThan(20);
    expect((await status(new Date(Date.now() + 31_000))).actual).toBe("lost");

    await stopScraper({ database, runs }, "reddit");
    expect(await status()).toMatchObject({ desired: "stopped", actual: "stopping" });
    await setStatus(id, "ABORTED");
    await startScraper(database, "reddit", now);
    expect((await status(new Date(now.getTime() + 60_000))).actual).toBe("stalled");
  });
});
