import { ApifyClient } from "apify-client";
import { ApifyClient as ApifyClient217 } from "apify-client-2.17";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createToken } from "../../shared/db/api-tokens.ts";
import type { Database } from "../../shared/db/database.ts";
import { createLogger } from "../../shared/log.ts";
import { fireDueSchedules } from "../../shared/schedules/fire.ts";
import { bringShippedSchedules } from "../../shared/schedules/shipped.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer, TOKEN } from "./server-test-server.ts";

const log = createLogger({ level: "silent" });
let cluster: TestCluster;
let database: Database;
let server: TestServer;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
  server = await startTestServer(database, { WORKERS: "0" });
  await bringShippedSchedules(database, new Date());
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

const fire = (now: Date) => fireDueSchedules({ database, runs: server.runs, log }, now);
const send = async (method: string, path: string, body?: unknown) => {
  const headers = { "content-type": "application/json" };
  const response = await server.request(path, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
};

const isReddit = ({ scraper }: { scraper: string }) => scraper === "reddit";

const INPUT = { subreddits: ["node"] };
const action = {
  type: "RUN_ACTOR",
  actorId: "me~reddit",
  runInput: { body: JSON.stringify(INPUT), contentType: "application/json" },
};
const creation = {
  name: "nightly",
  cronExpression: "0 3 * * *",
  timezone: "Europe/Berlin",
  isEnabled: true,
  isExclusive: true,
  actions: [action],
};

describe.each([
  ["2.25", ApifyClient],
  ["2.17", ApifyClient217 as unknown as typeof ApifyClient],
])("schedules over apify-client %s", (_, Client) => {
  let client: ApifyClient;
  beforeAll(() => {
    client = new Client({ baseUrl: server.url, token: TOKEN });
  });

  it("are created, read, listed, changed and removed", async () => {
    const created = await client.schedules().create({
      ...creation,
      actions: [{ ...action, runOptions: { build: "latest", timeoutSecs: 60, memoryMbytes: 512 } }],
    } as never);
    expect(created).toMatchObject({
      name: "nightly",
      cronExpression: "0 3 * * *",
      timezone: "Europe/Berlin",
      lastRunAt: null,
      actions: [{ type: "RUN_ACTOR", actorId: "reddit", runOptions: { timeoutSecs: 60, memoryMbytes: 512 } }],
    });
    const [stored] = created.actions as unknown as { runInput: { body: string } }[];
    expect(JSON.parse(stored!.runInput.body)).toEqual(INPUT);
    const times = (created as unknown as { nextRunsAt: string[] }).nextRunsAt.map((time) => new Date(time));
    expect(times).toHaveLength(5);
    expect(created.nextRunAt).toEqual(times[0]);
    for (const time of times)
      expect(time.toLocaleTimeString("de", { timeZone: "Europe/Berlin" })).toBe("03:00:00");

    const schedule = client.schedule(created.id);
    expect(await schedule.get()).toEqual(created);
    expect(await client.schedule("me/nightly").get()).toEqual(created);
    const { items } = await client.schedules().list({ desc: true, limit: 1 });
    expect(items).toEqual([created]);

    const changed = await schedule.update({ cronExpression: "* * * * *", isEnabled: false });
    expect(changed).toMatchObject({ name: "nightly", nextRunAt: null, timezone: "Europe/Berlin" });
    await schedule.update({ isEnabled: true });
    await fire(new Date(Date.now() + 61_000));
    const [run] = (await client.runs().list({ desc: true })).items;
    expect(await schedule.get()).toMatchObject({ lastRunId: run!.id, lastRunAt: expect.any(Date) });
    expect(run!.meta).toMatchObject({ origin: "SCHEDULER", scheduleId: created.id });
    expect(await schedule.getLog()).toEqual([
      { level: "INFO", message: `launched run ${run!.id}`, createdAt: expect.any(Date) },
    ]);
    await schedule.delete();
    expect(await schedule.get()).toBeUndefined();
    expect(await schedule.getLog()).toBeUndefined();
  });

  it("are what the client itself creates, when next to nothing is said", async () => {
    const created = await client.schedules().create({ cronExpression: "@daily", actions: [action] } as never);
    expect(created).toMatchObject({ timezone: "UTC", isEnabled: false, isExclusive: true, nextRunAt: null });
    await client.schedule(created.id).delete();
  });
});

describe("wrong schedules", () => {
  it.each([
    ["cronExpression", { cronExpression: "every day" }, "cron-expression-invalid", /every day/],
    ["timezone", { timezone: "Europe/Atlantis" }, "invalid-value", /timezone: .*Europe\/Atlantis/],
    ["name", { name: "a b" }, "invalid-value", /name: .*"a b"/],
    [
      "actor",
      { actions: [{ ...action, actorId: "twitter" }] },
      "invalid-value",
      /actions\[0\]\.actorId: .*twitter/,
    ],
    [
      "input",
      { actions: [{ ...action, runInput: { body: '{"subreddits": 7}' } }] },
      "invalid-value",
      /actions\[0\]\.runInput: .*subreddits/,
    ],
    ["text", { actions: [{ ...action, runInput: { body: "{" } }] }, "invalid-request", /runInput.*JSON/],
    ["number of actions", { actions: [action, action] }, "invalid-request", /actions.*one action/],
    [
      "kind of action",
      { actions: [{ type: "RUN_ACTOR_TASK", actorTaskId: "x" }] },
      "invalid-request",
      /actions/,
    ],
    ["flag", { isEnabled: "yes" }, "invalid-request", /isEnabled/],
  ])("by %s are refused with 400 and the reason, new or changed", async (_, wrong, type, message) => {
    for (const [method, path] of [
      ["POST", "/v2/schedules"],
      ["PUT", "/v2/schedules/cleanup_logs"],
    ] as const) {
      const { status, body } = await send(
        method,
        path,
        method === "POST" ? { ...creation, ...wrong } : wrong,
      );
      expect({ status, type: body.error.type }).toEqual({ status: 400, type });
      expect(body.error.message).toMatch(message);
    }
  });

  it.each([
    ["a NUL in a description", { description: "a\u0000b" }],
    [
      "a NUL in an input",
      { actions: [{ ...action, runInput: { body: '{"subreddits":["node"],"x":"\\u0000"}' } }] },
    ],
    [
      "a NUL in a task's input",
      { actions: [{ type: "RUN_MAINTENANCE", task: "cleanup_logs", input: { "a\u0000": 1 } }] },
    ],
    ["a cron without an end", { cronExpression: "1,".repeat(100_000) }],
  ])("by %s are refused, too", async (_, wrong) => {
    expect(await send("POST", "/v2/schedules", { ...creation, ...wrong })).toMatchObject({ status: 400 });
    expect(await send("GET", "/v2/schedules/a%00b")).toMatchObject({ status: 400 });
  });

  it("by a taken name, or the removal of a shipped one, are conflicts", async () => {
    const taken = await send("POST", "/v2/schedules", { ...creation, name: "cleanup_logs" });
    expect(taken).toMatchObject({ status: 409, body: { error: { type: "name-not-unique" } } });
    expect(await send("DELETE", "/v2/schedules/cleanup_logs")).toMatchObject({ status: 409 });
    expect(await send("DELETE", "/v2/schedules/none")).toMatchObject({ status: 404 });
    expect(await send("PUT", "/v2/schedules/none", {})).toMatchObject({ status: 404 });
  });
});

describe("/api/scraper", () => {
  const status = async () => (await send("GET", "/api/scraper/status")).body.scrapers.find(isReddit);

  it("starts and stops, both idempotent, and tells", async () => {
    await database.pool.query("insert into reddit_subreddits (name, review) values ('node', 'Ok')");
    expect(await status()).toMatchObject({ desired: "stopped", actual: "stopped", current_run: null });
    const first = await send("POST", "/api/scraper/start", { scraper: "reddit" });
    const second = await send("POST", "/api/scraper/start", { scraper: "all" });
    expect(first.status).toBe(200);
    const { next_start_at, desired_since } = first.body.scrapers.find(isReddit);
    expect(second.body.scrapers.find(isReddit)).toMatchObject({
      desired: "running",
      next_start_at,
      desired_since,
    });
    await fire(new Date());
    const running = await status();
    expect(running).toMatchObject({
      actual: "waiting",
      current_run: { status: "READY" },
      counters: { runs: 1 },
    });
    const stopped = await send("POST", "/api/scraper/stop", { scraper: "reddit" });
    expect(stopped.body.scrapers.find(isReddit)).toMatchObject({
      desired: "stopped",
      actual: "stopped",
      current_run: null,
      last_run: { id: running.current_run.id, status: "ABORTED" },
      next_start_at: null,
    });
    expect((await send("POST", "/api/scraper/stop", { scraper: "all" })).status).toBe(200);
  });

  it("tells that a scraper is failing, since when and why", async () => {
    await send("POST", "/api/scraper/start", { scraper: "reddit" });
    await database.pool.query(
      `update schedules set input = '{"due": 5, "listings": 7}' where scraper = 'reddit'`,
    );
    await fire(new Date());
    expect(await status()).toMatchObject({
      actual: "failing",
      failure: { since: expect.any(String), message: expect.stringContaining("listings") },
    });
    await database.pool.query(`update schedules set input = '{"due": 5}' where scraper = 'reddit'`);
    await fire(new Date(Date.now() + 60_000));
    expect(await status()).toMatchObject({ actual: "waiting", failure: null });
    await send("POST", "/api/scraper/stop", { scraper: "reddit" });
  });

  it("names the scrapers that there are when another is meant", async () => {
    const { status: code, body } = await send("POST", "/api/scraper/start", { scraper: "tiktok" });
    expect(code).toBe(400);
    expect(body.error.message).toMatch(/expected one of .*reddit, all, got "tiktok"/);
    expect((await send("POST", "/api/scraper/start", {})).status).toBe(400);
  });
});

describe("/api/alerts", () => {
  it("lists open and past ones, the newest first, page by page", async () => {
    await database.pool.query(
      `insert into alerts (rule, subject, message, value, threshold, opened_at, last_seen_at, closed_at)
      select 'memory', 's' || n, 'm', n, 1, timestamptz '2026-01-01' + n * interval '1 hour', now(),
        case when n > 1 then now() end from generate_series(1, 3) n`,
    );
    const first = await send("GET", "/api/alerts?limit=2");
    expect(first.body).toMatchObject({
      total: 3,
      items: [{ subject: "s3", value: 3, is_open: false }, { subject: "s2" }],
    });
    const next = await send("GET", `/api/alerts?limit=2&cursor=${first.body.next_cursor}`);
    expect(next.body).toMatchObject({
      next_cursor: null,
      items: [{ subject: "s1", is_open: true, closed_at: null }],
    });
    expect((await send("GET", "/api/alerts?open=true&rule=memory")).body.items).toHaveLength(1);
    expect((await send("GET", "/api/alerts?rule=weather")).status).toBe(400);
  });
});

describe("webhooks over Apify's client", () => {
  let client: ApifyClient;
  beforeAll(() => {
    client = new ApifyClient({ baseUrl: server.url, token: TOKEN });
  });
  const settings = {
    eventTypes: ["ACTOR.RUN.ABORTED"],
    condition: { actorId: "reddit" },
    requestUrl: "http://127.0.0.1:9/hook",
    description: "a",
  } as const;

  it("are created once a key, read, listed, changed, tested and removed", async () => {
    const created = await client.webhooks().create({ ...settings, idempotencyKey: "k" });
    expect(created).toMatchObject({ ...settings, stats: { totalDispatches: 0 } });
    expect((await client.webhooks().create({ ...settings, idempotencyKey: "k" })).id).toBe(created.id);
    const webhook = client.webhook(created.id);
    expect(await webhook.get()).toEqual(created);
    expect((await client.webhooks().list({ desc: true })).items).toEqual([created]);
    const changed = await webhook.update({ description: "b", condition: { actorRunId: "r" } });
    expect(changed).toMatchObject({
      description: "b",
      condition: { actorRunId: "r" },
      requestUrl: settings.requestUrl,
    });
    expect(changed.condition).not.toHaveProperty("actorId");

    const tested = (await webhook.test())!;
    expect(tested).toMatchObject({ eventType: "TEST", status: "ACTIVE", calls: [], webhookId: created.id });
    await webhook.update({ condition: { actorId: "reddit" } });
    const run = await client.actor("reddit").start(INPUT);
    await client.run(run.id).abort();
    const { items } = await webhook.dispatches().list();
    expect(items).toMatchObject([
      { eventType: "TEST" },
      { eventType: "ACTOR.RUN.ABORTED", eventData: { actorId: "reddit", actorRunId: run.id } },
    ]);
    expect(await client.webhookDispatch(tested.id).get()).toEqual(items[0]);
    expect((await client.webhookDispatches().list({ limit: 1, desc: true })).items).toEqual([items[1]]);
    await webhook.delete();
    expect(await webhook.get()).toBeUndefined();
    expect(await webhook.test().catch((error: { statusCode: number }) => error.statusCode)).toBeUndefined();
  });

  it.each([
    ["an unknown event", { eventTypes: ["ACTOR.BUILD.CREATED"] }, /eventTypes/],
    ["an unknown actor", { condition: { actorId: "twitter" } }, /condition\.actorId/],
    ["another protocol", { requestUrl: "ftp://a.example/" }, /requestUrl.*http/],
    ["a template", { payloadTemplate: "{}" }, /payloadTemplate/],
    ["broken certificates", { ignoreSslErrors: true }, /ignoreSslErrors/],
  ])("are refused with %s", async (_, wrong, message) => {
    const { status, body } = await send("POST", "/v2/webhooks", { ...settings, ...wrong });
    expect(status).toBe(400);
    expect(body.error.message).toMatch(message);
  });
});

describe("scopes", () => {
  it("let readers read, runners switch scrapers, and admins write schedules", async () => {
    const of = async (scope: "read" | "run") => {
      const token = await createToken(database.pool, scope, scope);
      return async (method: string, path: string, body?: unknown) => {
        const response = await server.request(path, {
          method,
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        return response.status;
      };
    };
    const [read, run] = [await of("read"), await of("run")];
    for (const path of [
      "/v2/schedules",
      "/v2/schedules/cleanup_logs/log",
      "/api/scraper/status",
      "/api/alerts",
    ])
      expect(await read("GET", path)).toBe(200);
    expect(await read("POST", "/api/scraper/stop", { scraper: "all" })).toBe(403);
    expect(await run("POST", "/api/scraper/stop", { scraper: "all" })).toBe(200);
    expect(await run("POST", "/v2/schedules", creation)).toBe(403);
    expect(await run("PUT", "/v2/schedules/cleanup_logs", {})).toBe(403);
    expect(await run("DELETE", "/v2/schedules/cleanup_logs")).toBe(403);
    expect(await run("GET", "/v2/webhooks")).toBe(403);
  });
});
