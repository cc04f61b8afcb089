import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { pino } from "pino";
import { openDatabase } from "../../shared/db/database.ts";
import { openRuns, type Runs } from "../../shared/runs/runs.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { openRunsHarness, type RunsHarness } from "./runs-harness.ts";

let cluster: TestCluster;
let harness: RunsHarness;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  harness = await openRunsHarness(cluster);
  onTestFinished(() => harness.close());
});

const queued = async () => {
  const { rows } = await harness.database.pool.query<{ id: string }>(
    "select data->>'runId' as id from pgboss.job where state = 'created' order by created_on",
  );
  return rows.map(({ id }) => id);
};

it("launches a run with the actor's own limits, its input as a record, and one delivery", async () => {
  const { runs } = harness;
  const run = await harness.launch();
  expect(run).toMatchObject({
    actor: "pages",
    status: "READY",
    attempt: 0,
    origin: "API",
    options: { memoryMbytes: 300, timeoutSecs: 0, maxItems: null, maxCostUsd: null, restartOnError: false },
  });
  expect(await runs.input(run.id)).toEqual({ origin: harness.site.origin, pages: 10 });
  const { rows } = await harness.database.pool.query(
    "select convert_from(value, 'UTF8')::jsonb as value from key_value_records where store = $1 and key = 'INPUT'",
    [run.id],
  );
  expect(rows[0].value).toEqual(await runs.input(run.id));
  expect(await queued()).toEqual([run.id]);
  await runs.delivery.sendWaiting(harness.database);
  await harness.database.pool.query("update runs set start_after = now() - interval '1 hour'");
  await runs.delivery.sendWaiting(harness.database);
  expect(await queued()).toEqual([run.id]);
  await harness.database.pool.query("delete from pgboss.job");
  await runs.delivery.sendWaiting(harness.database);
  expect(await queued()).toEqual([run.id]);
});

it("refuses what the actor's schema refuses, and stores nothing", async () => {
  const { runs } = harness;
  const refused = { name: "InvalidRunInputError" };
  await expect(harness.launch({ pages: -1 })).rejects.toMatchObject({
    ...refused,
    issues: [{ path: "pages", message: "expected at least 0, got -1" }],
  });
  await expect(harness.launch({ pgaes: 1 })).rejects.toMatchObject({ issues: [{ path: "pgaes" }] });
  await expect(runs.validateInput("me~pages", { pages: 1 })).rejects.toMatchObject({
    issues: [{ path: "origin" }],
  });
  await expect(harness.launch({}, { actor: "nobody" })).rejects.toMatchObject({
    name: "UnknownActorError",
    message: 'no actor "nobody"; there are: pages',
  });
  expect((await runs.list({ limit: 10, offset: 0, desc: true })).total).toBe(0);
});

it("expands what is due, leases it to the run, and releases it when the run ends", async () => {
  const { runs, database } = harness;
  await database.pool.query("insert into reddit_subreddits (name) values ('a1'), ('b2'), ('c3')");
  const leased = async () =>
    (await database.pool.query("select run_id, key from work_leases order by key")).rows;
  await runs.validateInput("pages", { due: 2, origin: "http://x", pages: 1 });
  const run = await harness.launch({ due: 2 });
  const { names } = (await runs.input(run.id)) as { names: string[] };
  expect(names).toHaveLength(2);
  expect(await leased()).toEqual(names.sort().map((key) => ({ run_id: run.id, key })));
  const rest = await harness.launch({ due: 2 });
  expect(await runs.input(rest.id)).toMatchObject({ names: [expect.any(String)] });

  await expect(harness.launch({ due: 0 })).rejects.toMatchObject({ issues: [{ path: "due" }] });
  await expect(harness.launch({ due: 1, names: ["x"] })).rejects.toThrow(/either due or names, got both/);
  await expect(runs.validateInput("pages", { due: 2, pages: -1 })).rejects.toThrow(/origin.*pages/);

  await runs.abort(run.id, { gracefully: true });
  await runs.abort(rest.id, { gracefully: true });
  expect(await leased()).toEqual([]);
  await harness.launch({ due: 2, pages: -1 }).catch(() => undefined);
  expect(await leased()).toEqual([]);
});

describe("work that an actor cannot use", () => {
  const open = async (): Promise<Runs> => {
    const { database, config } = harness;
    const runs = await openRuns({ database, config, log: pino({ level: "silent" }) });
    onTestFinished(() => runs.close());
    return runs;
  };
  const launch = (runs: Runs, actor: string, due: number) =>
    runs.launch({ actor, input: { due }, origin: "API" });
  const setAside = async () =>
    (
      await harness.database.pool.query(
        "select key, reason, expires_at > now() + interval '6 days' as is_long from work_leases where reason is not null order by key",
      )
    ).rows;

  it("is set aside, and others take its place; the run's log says so", async () => {
    const runs = await open();
    const { pool } = harness.database;
    const bad = ["", "..", "a/b", "no such name!!", "é", "x".repeat(300)];
    await pool.query(
      "insert into reddit_subreddits (name, first_seen_at) select name, now() - interval '1 day' from unnest($1::text[]) as name",
      [bad],
    );
    const good = ["reddit.com", "t:1337", "nl", "a-b", "Node"];
    await pool.query("insert into reddit_subreddits (name) select unnest($1::text[])", [good]);
    const run = await launch(runs, "reddit", 4);
    const { subreddits } = (await runs.input(run.id)) as { subreddits: string[] };
    expect(subreddits).toHaveLength(4);
    const rest = await launch(runs, "reddit", 10);
    const input = (await runs.input(rest.id)) as { subreddits: string[] };
    expect([...subreddits, ...input.subreddits].sort()).toEqual(good.sort());
    const aside = await setAside();
    expect(aside.map(({ key }) => key).sort()).toEqual(bad.sort());
    expect(aside.find(({ key }) => key === "a/b")).toEqual({
      key: "a/b",
      reason: expect.stringMatching(/^expected a subreddit name.*got "a\/b"$/),
      is_long: true,
    });
    expect((await runs.log.read(run.id)).text).toMatch(/WARN {2}set aside for a week.*got "a\/b"/);

    // Not with the run's end, either.
    await runs.abort(run.id, { gracefully: true });
    await runs.abort(rest.id, { gracefully: true });
    expect(await setAside()).toHaveLength(bad.length);
    const again = await launch(runs, "reddit", 100);
    expect(((await runs.input(again.id)) as typeof input).subreddits.sort()).toEqual(good.sort());
    await runs.abort(again.id, { gracefully: true });

    // Others may know better in a week.
    await pool.query("update work_leases set expires_at = now() where reason is not null");
    await launch(runs, "reddit", 100);
    expect(await setAside()).toHaveLength(bad.length);
  });

  it("is no reason for a run when there is nothing else", async () => {
    const runs = await open();
    await harness.database.pool.query("insert into reddit_subreddits (name) values ('a/b')");
    expect(await launch(runs, "reddit", 4)).toMatchObject({
      status: "SUCCEEDED",
      statusMessage: "nothing is due",
    });
    expect(await setAside()).toHaveLength(1);
  });

  it("counts as far as it can be used: a creator with an odd name is read by the id", async () => {
    const runs = await open();
    await harness.database.pool.query(
      "insert into instagram_creators (ig_user_id, username) values ('1', 'nasa'), ('2', 'no name'), ('x', 'esa')",
    );
    const run = await launch(runs, "instagram", 5);
    const { creators } = (await runs.input(run.id)) as { creators: object[] };
    expect(new Set(creators)).toEqual(
      new Set([{ ig_user_id: "1", username: "nasa" }, { ig_user_id: "2" }, { username: "esa" }]),
    );
  });

  it("is still an error where somebody wrote it", async () => {
    const runs = await open();
    const input = { subreddits: ["node", "a/b"] };
    await expect(runs.launch({ actor: "reddit", input, origin: "API" })).rejects.toMatchObject({
      issues: [{ path: "subreddits[1]", message: expect.stringContaining('"a/b"') }],
    });
  });
});

it("with nothing due, there is no run where none is wanted", async () => {
  const { runs } = harness;
  await expect(harness.launch({ due: 5 }, { onlyIfDue: true })).rejects.toMatchObject({
    name: "NothingDueError",
    message: "nothing is due",
  });
  expect((await runs.list({ limit: 10, offset: 0, desc: true })).total).toBe(0);
  await harness.database.pool.query("insert into reddit_subreddits (name) values ('a1')");
  const run = await harness.launch({ due: 5 }, { onlyIfDue: true });
  expect(await runs.input(run.id)).toMatchObject({ names: ["a1"] });
  expect(await queued()).toEqual([run.id]);
});

it("with nothing due, a run has succeeded at once, without a worker", async () => {
  expect(await harness.launch({ due: 5 })).toMatchObject({
    status: "SUCCEEDED",
    statusMessage: "nothing is due",
    finishedAt: expect.any(Date),
  });
  expect(await queued()).toEqual([]);
});

it("aborts a run that no worker has, resurrects it, reruns it with another input, and removes it", async () => {
  const { runs } = harness;
  const { id } = await harness.launch({}, { priority: 3, timeoutSecs: 60 });
  expect(await runs.abort(id, { gracefully: true })).toMatchObject({
    status: "ABORTED",
    finishedAt: expect.any(Date),
  });
  expect(await runs.abort(id, { gracefully: false })).toMatchObject({ status: "ABORTED" });
  expect(await runs.resurrect(id, { timeoutSecs: 90 })).toMatchObject({
    status: "READY",
    finishedAt: null,
    resurrectCount: 1,
    options: { timeoutSecs: 90, memoryMbytes: 300 },
  });
  await expect(runs.resurrect(id)).rejects.toMatchObject({ name: "RunStateError" });
  await expect(runs.remove(id)).rejects.toMatchObject({ name: "RunStateError" });
  const again = await runs.rerun(id, { input: { origin: harness.site.origin, pages: 2 } });
  expect(again).toMatchObject({ rerunOf: id, priority: 3, options: { timeoutSecs: 90 } });
  expect(await runs.input(again!.id)).toMatchObject({ pages: 2 });
  await runs.abort(id, { gracefully: true });
  expect(await runs.remove(id)).toBe(true);
  expect(await runs.get(id)).toBeUndefined();
  expect((await runs.log.read(id)).size).toBe(0);
  for (const unknown of [
    runs.get("x"),
    runs.abort("x", { gracefully: true }),
    runs.resurrect("x"),
    runs.rerun("x"),
  ])
    expect(await unknown).toBeUndefined();
  expect(await runs.remove("x")).toBe(false);
});

it("lists by actor, status and time, a page at a time, with the number of all", async () => {
  const { runs } = harness;
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await harness.launch({}, { scheduleId: i < 2 ? "s" : null })).id);
  await runs.abort(ids[0]!, { gracefully: true });
  const list = async (filter: object) => {
    const { items, total } = await runs.list({ limit: 2, offset: 0, desc: false, ...filter });
    return [items.map(({ id }) => ids.indexOf(id)), total];
  };
  expect(await list({})).toEqual([[0, 1], 4]);
  expect(await list({ offset: 3 })).toEqual([[3], 4]);
  expect(await list({ desc: true })).toEqual([[3, 2], 4]);
  expect(await list({ statuses: ["READY"] })).toEqual([[1, 2], 3]);
  expect(await list({ actor: "reddit" })).toEqual([[], 0]);
  expect(await list({ scheduleId: "s" })).toEqual([[0, 1], 2]);
  const { createdAt } = (await runs.get(ids[2]!))!;
  expect(await list({ startedAfter: createdAt })).toEqual([[2, 3], 2]);
  expect(await list({ startedBefore: createdAt, desc: true })).toEqual([[2, 1], 3]);
});

it("answers those who wait when the run ends, when their time is up, and when it is closed", async () => {
  const { runs } = harness;
  const { id } = await harness.launch();
  expect(await runs.waitForFinish(id, { secs: 0.1 })).toMatchObject({ status: "READY" });
  expect(await runs.waitForFinish(id, { secs: 30, signal: AbortSignal.timeout(50) })).toMatchObject({ id });
  expect(await runs.waitForFinish("x", { secs: 30 })).toBeUndefined();
  const before = (await runs.get(id))!.modifiedAt;
  const waiting = [1, 2, 3].map(() => runs.waitForFinish(id, { secs: 30 }));
  await runs.abort(id, { gracefully: true });
  for (const run of await Promise.all(waiting)) expect(run).toMatchObject({ status: "ABORTED" });
  expect((await runs.changedSince(before, 10)).map((run) => run.id)).toEqual([id]);

  const other = await harness.launch();
  const last = runs.waitForFinish(other.id, { secs: 30 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await runs.close();
  expect(await last).toMatchObject({ status: "READY" });
});

it("many processes may open the runs of a new database at the same time", async () => {
  const config = await cluster.createMigratedConfig();
  const opened = await Promise.all(
    [1, 2, 3, 4, 5].map(async () => {
      const database = await openDatabase(config, { applicationName: "tests", max: 2 });
      const runs = await openRuns({ database, config: harness.config, log: pino({ level: "silent" }) });
      return { database, runs };
    }),
  );
  for (const { database, runs } of opened) {
    expect(runs.actors.map(({ name }) => name)).toContain("reddit");
    await runs.close();
    await database.close();
  }
});

it("a run that `b9 crawl` works on is not a worker's to abort", async () => {
  await harness.database.pool.query("select open_run('mine', 'pages', '{}')");
  await expect(harness.runs.abort("mine", { gracefully: true })).rejects.toMatchObject({
    name: "RunStateError",
  });
});
