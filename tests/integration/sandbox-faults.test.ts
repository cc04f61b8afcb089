import { once } from "node:events";
import { gunzipSync } from "node:zlib";
import http from "node:http";
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import type { LogEntry } from "../../sandbox/access-log.ts";
import type { FaultInput } from "../../sandbox/faults.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { type Reply, apiOf, ask, control, sandboxFor, tokenAnswer } from "./sandbox-client.ts";

const ABOUT = "/r/woodworking/about";

/** Asks for a community under a fault that always befalls. */
async function under(fault: FaultInput, path = ABOUT): Promise<{ sandbox: Sandbox; reply: Reply }> {
  const sandbox = await sandboxFor({ faults: [{ match: "^/oauth/", ...fault }] });
  const api = await apiOf(sandbox);
  return { sandbox, reply: await api(path) };
}

it.each([
  [{ kind: "status" }, 503, /^<!doctype html>.*Ow!/s],
  [{ kind: "status", status: 500, body: "empty" }, 500, /^$/],
  [{ kind: "status", status: 502, body: "json" }, 502, /^\{"message":"Bad Gateway","error":502\}$/],
  [{ kind: "status", status: 429 }, 429, /whoa there, pardner/],
  [{ kind: "html_instead_of_json" }, 200, /^<!doctype html>/],
  [{ kind: "js_challenge" }, 200, /name="js_challenge"/],
  [{ kind: "blocked" }, 403, /<title>Blocked<\/title>/],
  [{ kind: "empty_body" }, 200, /^$/],
] as const)("%o answers %i, without counters but counted", async (fault, status, body) => {
  const { sandbox, reply } = await under(fault);
  expect(reply.status).toBe(status);
  expect(reply.body).toMatch(body);
  expect(reply.headers["x-ratelimit-used"]).toBeUndefined();
  const [entry] = await control<LogEntry[]>(sandbox, "/log?since=1");
  expect(entry).toMatchObject({ fault: fault.kind, used: 1, status });
});

it("says when to come back only where the plan says so", async () => {
  expect(
    (await under({ kind: "status", status: 429, retry_after_secs: 1.5 })).reply.headers["retry-after"],
  ).toBe("1.5");
  expect((await under({ kind: "status", status: 429 })).reply.headers["retry-after"]).toBeUndefined();
});

it("cuts JSON off where no length betrays it", async () => {
  const { reply } = await under({ kind: "truncated_json" });
  expect(reply.headers["content-length"]).toBe(String(reply.body.length));
  expect(reply.body).toMatch(/^\{"kind":"t5"/);
  expect(() => JSON.parse(reply.body)).toThrow(SyntaxError);
});

it("revokes the token that is used", async () => {
  const sandbox = await sandboxFor({ faults: [{ kind: "revoke_token", match: "^/oauth/", times: 1 }] });
  const api = await apiOf(sandbox);
  expect((await api(ABOUT)).status).toBe(401);
  expect((await api(ABOUT)).status).toBe(401);
  expect((await (await apiOf(sandbox))(ABOUT)).status).toBe(200);
});

it("spoils tokens too", async () => {
  const sandbox = await sandboxFor({
    faults: [{ kind: "status", status: 401, match: "access_token", times: 1 }],
  });
  const first = await tokenAnswer(sandbox);
  expect([first.status, first.headers["content-type"]]).toEqual([401, "text/html; charset=UTF-8"]);
  expect((await tokenAnswer(sandbox)).status).toBe(200);
});

it.each(["slow_headers", "slow_body"] as const)("%s takes its time and is right in the end", async (kind) => {
  const start = performance.now();
  const { reply } = await under({ kind, delay_ms: 300 });
  expect(performance.now() - start).toBeGreaterThan(290);
  expect(JSON.parse(reply.body)).toMatchObject({ kind: "t5" });
});

it("cuts the connection before the answer or in its middle", async () => {
  await expect(under({ kind: "reset", at: "body" })).rejects.toThrow(/ECONNRESET|aborted/);
  const sandbox = await sandboxFor({ faults: [{ kind: "reset", at: "headers", match: "^/oauth/" }] });
  const api = await apiOf(sandbox);
  await expect(api(ABOUT)).rejects.toThrow(/ECONNRESET|socket hang up/);
  const [entry] = await control<LogEntry[]>(sandbox, "/log?since=1");
  expect(entry).toMatchObject({ status: null, fault: "reset", used: 1 });
});

it("cuts it through a proxy just so", async () => {
  const sandbox = await sandboxFor({
    proxies: [{ kind: "ok" }],
    faults: [{ kind: "reset", match: "^/oauth/" }],
  });
  const api = await apiOf(sandbox);
  await expect(api(ABOUT, { proxy: sandbox.proxyUrls[0]! })).rejects.toThrow(/ECONNRESET|aborted/);
  await control(sandbox, "/faults", { faults: [{ kind: "reset", at: "headers", match: "^/oauth/" }] });
  await expect(api(ABOUT, { proxy: sandbox.proxyUrls[0]! })).rejects.toThrow(/ECONNRESET|socket hang up/);
});

it("sends little that becomes much", async () => {
  const sandbox = await sandboxFor({ faults: [{ kind: "gzip_bomb", size_mbytes: 40, match: "^/www/" }] });
  const url = `${sandbox.env["REDDIT_PUBLIC_URL"]}/r/woodworking/about.json`;
  const request = http.get(url, { headers: { "user-agent": "linux:test:1 (by /u/t)" } });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const sent = await buffer(response);
  expect(response.headers["content-encoding"]).toBe("gzip");
  expect(sent.length).toBeLessThan(100_000);
  expect(gunzipSync(sent)).toHaveLength(40 * 2 ** 20);
});

it("sends a giant with the right answer at its end", async () => {
  const { reply } = await under({ kind: "giant_body", size_mbytes: 12 });
  expect(reply.body.length).toBeGreaterThan(12 * 2 ** 20);
  expect(JSON.parse(reply.body)).toMatchObject({ kind: "t5" });
});

it("leaves the counters out", async () => {
  const { reply } = await under({ kind: "no_headers" });
  expect(reply.status).toBe(200);
  expect(reply.headers["x-ratelimit-used"]).toBeUndefined();
});

interface Page {
  after: string | null;
  ids: string[];
}

/** The first two pages of a listing, the second one under a fault. */
async function twoPages(fault: FaultInput): Promise<[Page, Page]> {
  const sandbox = await sandboxFor({ faults: [{ ...fault, match: "after=" }] });
  const api = await apiOf(sandbox);
  const page = async (query: string): Promise<Page> => {
    const { data } = JSON.parse((await api(`/r/woodworking/hot?limit=50${query}`)).body) as {
      data: { after: string | null; children: { data: { name: string } }[] };
    };
    return { after: data.after, ids: data.children.map((child) => child.data.name) };
  };
  const first = await page("");
  return [first, await page(`&after=${first.after}`)];
}

it("ranks a listing anew between two pages", async () => {
  const [first, second] = await twoPages({ kind: "rerank", overlap: 5 });
  expect(second.ids.slice(0, 5)).toEqual(first.ids.slice(-5));
  expect(second.after).toBe(second.ids.at(-1));
});

it("repeats the cursor beside the right items", async () => {
  const [first, second] = await twoPages({ kind: "repeating_after" });
  expect(second.after).toBe(first.after);
  expect(new Set([...first.ids, ...second.ids]).size).toBe(100);
});

it("loses the anchor: an empty page that seems to be the end", async () => {
  const [, second] = await twoPages({ kind: "lost_anchor" });
  expect(second).toEqual({ after: null, ids: [] });
});

it("takes a new plan, shows it, and refuses a wrong one by field and value", async () => {
  const sandbox = await sandboxFor();
  const api = await apiOf(sandbox);
  expect(await control(sandbox, "/faults", { faults: [{ kind: "blocked", rate: 0.25 }] })).toMatchObject({
    faults: [{ kind: "blocked", rate: 0.25 }],
  });
  const wrong = await ask(`${sandbox.url}/_sandbox/faults`, {
    method: "POST",
    body: '{"faults":[{"kind":"no"}]}',
  });
  expect(wrong.status).toBe(400);
  expect(JSON.parse(wrong.body)).toMatchObject({
    error: expect.stringMatching(/faults\.0\.kind: .*got "no"/),
  });
  expect(await control(sandbox, "/faults")).toMatchObject({ faults: [{ kind: "blocked" }] });
  await control(sandbox, "/faults", { faults: [] });
  expect((await api(ABOUT)).status).toBe(200);
});
