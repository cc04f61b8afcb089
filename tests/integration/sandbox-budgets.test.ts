import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../sandbox/access-log.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { apiOf, ask, basic, control, sandboxFor, tokenAnswer } from "./sandbox-client.ts";

const ABOUT = "/r/woodworking/about";

describe("tokens", () => {
  it("are given to a known client for a day, for both grants of an app", async () => {
    const sandbox = await sandboxFor();
    const device =
      "grant_type=https://oauth.reddit.com/grants/installed_client&device_id=DO_NOT_TRACK_THIS_DEVICE";
    for (const form of ["grant_type=client_credentials", device]) {
      const { status, body } = await tokenAnswer(sandbox, 0, form);
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ token_type: "bearer", expires_in: 86_400, scope: "*" });
    }
    const other = await tokenAnswer(sandbox, 0, "grant_type=password");
    expect(JSON.parse(other.body)).toEqual({ error: "unsupported_grant_type" });
  });

  it("are refused to a wrong secret", async () => {
    const sandbox = await sandboxFor();
    const headers = {
      authorization: basic("sandbox-client-1", "wrong"),
      "user-agent": "linux:test:1 (by /u/t)",
    };
    const { status, body } = await ask(sandbox.env["REDDIT_TOKEN_URL"]!, { method: "POST", headers });
    expect(status).toBe(401);
    expect(JSON.parse(body)).toEqual({ message: "Unauthorized", error: 401 });
  });

  it("open the API until they expire", async () => {
    const sandbox = await sandboxFor();
    const api = await apiOf(sandbox);
    expect((await api(ABOUT)).status).toBe(200);
    await control(sandbox, "/time", { advance_secs: 86_401 });
    expect((await api(ABOUT)).status).toBe(401);
    expect((await api(ABOUT, { headers: { authorization: "bearer nonsense" } })).status).toBe(401);
  });
});

describe("the budget of a client", () => {
  it("is told in headers that count it down", async () => {
    const sandbox = await sandboxFor();
    const api = await apiOf(sandbox);
    await api(ABOUT);
    const { headers } = await api(ABOUT);
    expect(headers).toMatchObject({ "x-ratelimit-used": "2", "x-ratelimit-remaining": "998.0" });
    expect(headers["x-ratelimit-reset"]).toMatch(/^(600|59\d)$/);
  });

  it("is strict when requests come all at once, and is not shared with another client", async () => {
    const sandbox = await sandboxFor({ budgetRequests: 20 });
    const api = await apiOf(sandbox);
    const statuses = (await Promise.all(Array.from({ length: 30 }, () => api(ABOUT)))).map(
      (reply) => reply.status,
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
    expect((await (await apiOf(sandbox, 1))(ABOUT)).status).toBe(200);
  });

  it("says too many without counters, and when to come back as the client's clock has it", async () => {
    const sandbox = await sandboxFor({ budgetRequests: 1, timeScale: 100, seed: 1 });
    const api = await apiOf(sandbox);
    const first = await api(ABOUT);
    const reset = first.headers["x-ratelimit-reset"];
    expect(reset).toMatch(/^[0-9]+(\.[0-9]{1,3})?$/);
    expect(Number(reset)).toBeLessThanOrEqual(6);
    const second = await api(ABOUT);
    expect(second.status).toBe(429);
    expect(second.headers["x-ratelimit-used"]).toBeUndefined();
    expect(second.body).toContain("whoa there, pardner!");
    expect(Number(second.headers["retry-after"])).toBeLessThanOrEqual(6);
    await control(sandbox, "/time", { advance_secs: 600 });
    expect((await api(ABOUT)).status).toBe(200);
  });

  it("says too many as JSON in some windows", async () => {
    const sandbox = await sandboxFor({ budgetRequests: 1 });
    const api = await apiOf(sandbox);
    const types = new Set<string>();
    for (let window = 0; window < 12; window++) {
      await api(ABOUT);
      const { headers } = await api(ABOUT);
      types.add(headers["content-type"]!.split(";")[0]!);
      await control(sandbox, "/time", { advance_secs: 600 });
    }
    expect(types).toEqual(new Set(["text/html", "application/json"]));
  });

  it("ends in a block for those who go on", async () => {
    const sandbox = await sandboxFor({ budgetRequests: 1, blockSecs: 1000 });
    const api = await apiOf(sandbox);
    for (let i = 0; i < 22; i++) await api(ABOUT);
    const blocked = await api(ABOUT);
    expect(blocked.status).toBe(403);
    expect(blocked.body).toContain("<title>Blocked</title>");
    await control(sandbox, "/time", { advance_secs: 1001 });
    expect((await api(ABOUT)).status).toBe(200);
  });
});

it.each([
  ["python-requests/2.32", 429],
  ["curl/8.0", 429],
  ["", 429],
  ["Mozilla/5.0 (X11; Linux x86_64)", 403],
])("refuses a client that calls itself %j with %i", async (agent, status) => {
  const sandbox = await sandboxFor();
  const api = await apiOf(sandbox);
  expect((await api(ABOUT, { headers: { "user-agent": agent } })).status).toBe(status);
});

it("gives an address that says who it is a hundred public pages", async () => {
  const sandbox = await sandboxFor({ anonymousRequests: 3 });
  const get = (path: string) =>
    ask(sandbox.env["REDDIT_PUBLIC_URL"] + path, { headers: { "user-agent": "linux:test:1 (by /u/t)" } });
  expect((await get("/r/woodworking/hot.json")).headers["x-ratelimit-remaining"]).toBe("2.0");
  expect((await get("/r/woodworking/hot")).body).toMatch(/^<!DOCTYPE html>/);
  expect((await get("/r/woodworking/about.json?raw_json=1")).status).toBe(200);
  expect((await get("/r/woodworking/about.json")).status).toBe(429);
});

it("closes the public pages on demand, with a page of either kind", async () => {
  const sandbox = await sandboxFor({ public: "closed" });
  const bodies = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      ask(`${sandbox.env["REDDIT_PUBLIC_URL"]}/r/a${i}/hot.json`, {
        headers: { "user-agent": "linux:t:1 (by /u/t)" },
      }),
    ),
  );
  const kinds = bodies.map(({ status, body }) =>
    body.includes("js_challenge") ? `${status} challenge` : `${status} blocked`,
  );
  expect(new Set(kinds)).toEqual(new Set(["200 challenge", "403 blocked"]));
});

it("logs every exchange in order and sums them up", async () => {
  const sandbox = await sandboxFor();
  const api = await apiOf(sandbox);
  await api("/r/woodworking/hot?limit=1");
  await api("/r/nosuchplace/hot");
  const log = await control<LogEntry[]>(sandbox, "/log");
  expect(log).toMatchObject([
    {
      seq: 1,
      method: "POST",
      endpoint: "/api/v1/access_token",
      status: 200,
      used: null,
      client: "sandbox-client-1",
    },
    {
      seq: 2,
      path: "/oauth/r/woodworking/hot?limit=1",
      status: 200,
      used: 1,
      window: 0,
      address: "127.0.0.1",
    },
    { seq: 3, endpoint: "/r/{subreddit}/{sort}", status: 302, used: 2, fault: null },
  ]);
  expect(await control(sandbox, "/log?since=2")).toEqual([log[2]]);
  const stats = await control<{ windows: unknown[]; totals: unknown }>(sandbox, "/stats");
  expect(stats.windows).toMatchObject([{ owner: "sandbox-client-1", window: 0, requests: 2, over: 0 }]);
  expect(stats.totals).toMatchObject({ "/r/{subreddit}/{sort}": { "200": 1, "302": 1 } });
});

it("keeps two sandboxes of one process apart", async () => {
  const [a, b] = [await sandboxFor({ seed: 1 }), await sandboxFor({ seed: 2 })];
  await (
    await apiOf(a)
  )(ABOUT);
  expect(await control<LogEntry[]>(b, "/log")).toEqual([]);
  const names = async (sandbox: typeof a): Promise<unknown> =>
    (await control<{ posts: number }>(sandbox, "/truth")).posts;
  expect(await names(a)).not.toBe(await names(b));
});

it.each([
  [{ subreddits: 0 }, /subreddits 1 to 35000, got 0/],
  [{ subreddits: 300, users: 3 }, /users 30 to 310000, got 3/],
  [{ timeScale: 0 }, /timeScale 0.001 to 100000, got 0/],
  [{ clients: [] }, /number of clients 1 to 10000, got 0/],
])("refuses %j", async (options, message) => {
  await expect(startSandbox(options)).rejects.toThrow(message);
});
