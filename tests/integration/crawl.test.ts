import { NonRetryableError } from "@crawlee/core";
import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import path from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { pino } from "pino";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import type { ActorDefinition } from "../../shared/crawl/define-actor.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import type { Site } from "../../shared/crawl/site.ts";
import { items, pagesActor, startServer, testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });

it("stores what every page's handler pushed, once", async () => {
  const origin = await startServer((_, response) => response.end('{"ok":true}'));
  const config = await testConfig();
  const { exitCode, summary } = await runActor(pagesActor(origin), { config, log, input: { pages: 50 } });
  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 50, items: { reddit_posts: 50 } });
  const ids = (await items(config, "reddit_posts")).map((item) => item["reddit_id"]);
  expect(new Set(ids).size).toBe(50);
});

it("stamps items with the time and the path of their answer", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await testConfig();
  await runActor(pagesActor(origin), { config, log, input: { pages: 1 } });
  const [item] = await items(config, "reddit_posts");
  expect(item).toMatchObject({ source: "/0", observed_at: expect.stringMatching(/^20\d\d-.*Z$/) });
});

it("drops what a handler pushes after it timed out", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await testConfig({ HANDLER_TIMEOUT_SECS: "1" });
  let attempts = 0;
  const actor = pagesActor(origin, {
    async handle({ pushData }) {
      const attempt = ++attempts;
      await pushData({ reddit_id: `early ${attempt}` }, "reddit_posts");
      if (attempt === 1) await sleep(2_000);
      await pushData({ reddit_id: `late ${attempt}` }, "reddit_posts");
      if (attempt === 2) await sleep(800);
    },
  });
  const { summary } = await runActor(actor, { config, log, input: { pages: 1 } });
  expect(summary).toMatchObject({ requestsFinished: 1, requestsRetries: 1 });
  const ids = (await items(config, "reddit_posts")).map((item) => item["reddit_id"]);
  expect(ids).toEqual(["early 2", "late 2"]);
});

it("lists a request whose handler always fails, with the error", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await testConfig();
  const actor = pagesActor(origin, {
    handle: async ({ request }) => {
      if (request.url.endsWith("/0")) throw new Error("no such field: title");
    },
  });
  const { exitCode, summary } = await runActor(actor, { config, log, input: { pages: 2 } });
  expect(exitCode).toBe(0);
  expect(summary?.failures).toEqual({ "handlerError/Error": 1 });
  const [failed] = await items(config, "failed_requests");
  expect(failed).toMatchObject({ label: "PAGE", last_error: "no such field: title", attempts: 4 });
});

it("has failed when nothing came of it for faults of its own; what it was to do is still queued", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await testConfig();
  let isBroken = true;
  const actor = pagesActor(origin, {
    handle: async ({ request, pushData }) => {
      if (isBroken) throw new NonRetryableError("no such field: title");
      await pushData({ reddit_id: request.url }, "reddit_posts");
    },
  });
  const { exitCode, summary } = await runActor(actor, { config, log, input: { pages: 3 } });
  expect(exitCode).toBe(1);
  expect(summary).toMatchObject({ status: "FAILED", requestsFailed: 0, requestsPending: 3, failures: {} });
  expect(summary!.statusMessage).toMatch(/^nothing came of 3 requests, .*PAGE: no such field: title \(3\)/);
  isBroken = false;
  const again = await runActor(actor, { config, log, resume: true });
  expect(again).toMatchObject({ exitCode: 0, summary: { status: "SUCCEEDED", requestsFinished: 3 } });
});

it("does not try all of a long queue when nothing but its own faults comes of it", async () => {
  let asked = 0;
  const origin = await startServer((_, response) => {
    asked++;
    response.end("{}");
  });
  const actor = pagesActor(origin, {
    handle: async () => {
      throw new NonRetryableError("a bug");
    },
  });
  const { summary } = await runActor(actor, { config: await testConfig(), log, input: { pages: 500 } });
  expect(summary).toMatchObject({ status: "FAILED", requestsPending: 500 });
  expect(asked).toBeLessThan(150);
});

it("does what can be done beside requests that cannot be made, charges nothing for these, and says why it failed", async () => {
  const asked: string[] = [];
  const origin = await startServer((request, response) => {
    asked.push(request.url!);
    response.end("{}");
  });
  const config = await testConfig();
  const actor = pagesActor(origin);
  const spent: unknown[] = [];
  const site: Site = {
    ...actor.site(config, { pages: 1 }).site,
    wireRequest: (url) => ({ url, headers: { "x-path": url.endsWith("/1") ? "a\nb" : "ok" } }),
    serves: (url) => !url.endsWith("/2"),
    usage: (url) => {
      spent.push(url);
      return { provider: "test", endpoint: "/", costUsd: 1 };
    },
  };
  const strange = {
    ...actor,
    site: (...args: Parameters<typeof actor.site>) => ({ ...actor.site(...args), site }),
    startRequests: (...args: Parameters<typeof actor.startRequests>) => [
      ...actor.startRequests(...args),
      { url: `${origin}/label`, uniqueKey: "label", label: "GONE", userData: {} },
    ],
  };
  const { exitCode, summary } = await runActor(strange, { config, log, input: { pages: 6 } });
  expect(exitCode).toBe(1);
  expect(summary).toMatchObject({
    status: "FAILED",
    requestsFinished: 4,
    requestsFailed: 0,
    requestsPending: 3,
    costUsd: 4,
    failures: {},
  });
  expect(summary!.statusMessage).toMatch(/^3 requests, for faults of this program or its settings/);
  expect(summary!.statusMessage).toMatch(/Invalid character in header content \["x-path"\]/);
  expect(summary!.statusMessage).toMatch(/no handler for label GONE/);
  expect(summary!.statusMessage).toMatch(/no site of this crawl serves/);
  expect(asked.sort()).toEqual(["/0", "/3", "/4", "/5"]);
});

it("does what the route says when a request is given up, whatever for", async () => {
  const origin = await startServer((request, response) => {
    response.writeHead(request.url === "/0" ? 400 : 200, { "content-type": "application/json" }).end("{}");
  });
  const config = await testConfig();
  const actor = pagesActor(origin, {
    handle: async ({ request }) => {
      throw request.url.endsWith("/1") ? new NonRetryableError("a bug") : new UnexpectedShapeError("no list");
    },
    failed: async ({ request, pushData }) =>
      pushData({ reddit_id: `without ${request.url.at(-1)}` }, "reddit_posts"),
  });
  const { summary } = await runActor(actor, { config, log, input: { pages: 3 } });
  // A fact about the target is for the route's `gone`.
  const ids = (await items(config, "reddit_posts")).map((item) => item["reddit_id"]);
  expect(ids.sort()).toEqual(["without 1", "without 2"]);
  expect(summary?.failures).toEqual({
    "gone/bad_request": 1,
    "handlerError/Error": 1,
    "malformed/UnexpectedShapeError": 1,
  });
});

it("asks again for a body that its handler cannot read", async () => {
  let answers = 0;
  const origin = await startServer((_, response) => {
    response.writeHead(200).end(answers++ === 0 ? "{}" : '{"list":[]}');
  });
  const config = await testConfig();
  const actor = pagesActor(origin, {
    handle: async ({ body, pushData }) => {
      await pushData({ reddit_id: String(answers) }, "reddit_posts");
      if (!("list" in (body as object))) throw new UnexpectedShapeError("no list");
    },
  });
  const { summary } = await runActor(actor, { config, log, input: { pages: 1 } });
  expect(summary).toMatchObject({ requestsFinished: 1, requestsFailed: 0, failures: {} });
  // What was done with the broken one is dropped with it.
  expect(await items(config, "reddit_posts")).toMatchObject([{ reddit_id: "2" }]);
});

it("fails a request that is refused with text alone, and waits for nothing", async () => {
  const origin = await startServer((request, response) => {
    response.writeHead(request.url === "/0" ? 400 : 200).end(request.url === "/0" ? "Bad request" : "{}");
  });
  const config = await testConfig();
  const actor = pagesActor(origin, { handle: async () => {} });
  const { summary } = await runActor(actor, { config, log, input: { pages: 2 } });
  expect(summary).toMatchObject({
    requestsFinished: 1,
    requestsFailed: 1,
    failures: { "gone/bad_request": 1 },
  });
  expect(summary!.outcomes.blocked ?? 0).toBe(0);
});

it("asks for what is served one at a time in turn, and for the rest meanwhile", async () => {
  let [inside, most, others] = [0, 0, 0];
  const origin = await startServer(async (request, response) => {
    const isSlow = Number(request.url!.slice(1)) < 40;
    if (isSlow) most = Math.max(most, ++inside);
    else others++;
    await sleep(isSlow ? 40 : 1);
    if (isSlow) inside--;
    response.writeHead(200).end(JSON.stringify({ others }));
  });
  const config = await testConfig();
  const actor = pagesActor(origin, {
    handle: async ({ request, body, pushData }) => {
      if (request.url.endsWith("/20"))
        await pushData({ reddit_id: "20", ...(body as object) }, "reddit_posts");
    },
  });
  const site: typeof actor.site = (...args) => {
    const access = actor.site(...args);
    const oneAtATime = (url: string) => (Number(new URL(url).pathname.slice(1)) < 40 ? "slow" : null);
    return { ...access, site: { ...access.site, oneAtATime } };
  };
  const { summary } = await runActor({ ...actor, site }, { config, log, input: { pages: 80 } });
  expect(summary).toMatchObject({ requestsFinished: 80, failures: {} });
  expect(most).toBe(1);
  // They stand behind forty that take their time.
  expect((await items(config, "reddit_posts"))[0]).toMatchObject({ others: 40 });
});

it("counts no failure of a request whose work another one does", async () => {
  const origin = await startServer((request, response) => {
    response.writeHead(request.url === "/0" ? 400 : 200, { "content-type": "application/json" }).end("{}");
  });
  const config = await testConfig();
  const actor = pagesActor(origin, {
    gone: async ({ addRequests }) => {
      await addRequests([{ url: `${origin}/instead`, uniqueKey: "instead", label: "PAGE", userData: {} }]);
      return "none";
    },
  });
  const { summary } = await runActor(actor, { config, log, input: { pages: 2 } });
  expect(summary).toMatchObject({ requestsFinished: 3, requestsFailed: 0, failures: {} });
  expect(await items(config, "reddit_posts")).toHaveLength(2);
});

it("ends with exit code 1 and everything queued when every identity is blocked", async () => {
  const origin = await startServer((_, response) => {
    response.writeHead(403, { "content-type": "text/html" }).end("<title>Blocked</title>");
  });
  const config = await testConfig({ MAX_STALL_SECS: "2" });
  const { exitCode, summary } = await runActor(pagesActor(origin), { config, log, input: { pages: 20 } });
  expect(exitCode).toBe(1);
  expect(summary).toMatchObject({ status: "FAILED", requestsPending: 20, failures: {} });
  expect(summary?.statusMessage).toMatch(/no identity may send.*MAX_STALL_SECS[\s\S]*test.*opens in \d+ s/);
});

describe("through proxies", () => {
  /** A proxy for http targets; CONNECT and what `answers` says no to get `status`. */
  async function startProxy(answers: () => boolean = () => true, status = 407): Promise<string> {
    const proxy = http.createServer((request, response) => {
      if (!answers()) return void response.writeHead(status).end();
      http.get(request.url!, (answer) => answer.pipe(response.writeHead(answer.statusCode!)));
    });
    proxy.on("connect", (_, socket: Socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`));
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    return `http://user:hunter2@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  }

  /** Calls cost 1 USD each. */
  function proxiedActor(origin: string, proxies: string[]): ActorDefinition {
    const actor = pagesActor(origin);
    return {
      ...actor,
      site: (config, input) => {
        const { site } = actor.site(config, input);
        const usage = () => ({ provider: "test", endpoint: "/", costUsd: 1 });
        return { site: { ...site, usage }, identities: [{ name: "test", userAgent: "b9-test", proxies }] };
      },
    };
  }

  it.each([
    [
      "cannot be reached",
      "http://127.0.0.1:1",
      async () => "http://user:hunter2@127.0.0.1:9",
      /ECONNREFUSED/,
    ],
    ["wants a password", "http://127.0.0.1:1", () => startProxy(() => false), /answered 407/],
    [
      "refuses CONNECT",
      "https://127.0.0.1:1",
      () => startProxy(() => true, 502),
      /answered CONNECT with 502/,
    ],
  ])("one that %s fails the crawl soon, and costs no target anything", async (_, origin, proxy, reason) => {
    const actor = proxiedActor(origin, [await proxy()]);
    const config = await testConfig();
    const { exitCode, summary } = await runActor(actor, { config, log, input: { pages: 20 } });
    expect(exitCode).toBe(1);
    expect(summary).toMatchObject({
      status: "FAILED",
      requestsFailed: 0,
      requestsPending: 20,
      requestsSent: 0,
      costUsd: 0,
      requestsByLabel: {},
      subjects: {},
      failures: {},
    });
    expect(summary!.statusMessage).toMatch(/^no connection to the site has come about:\n {2}test: proxy 127/);
    expect(summary!.statusMessage).toMatch(reason);
    expect(summary!.statusMessage).not.toContain("hunter2");
    expect(summary!.durationSecs).toBeLessThan(60);
  });

  it("a dead one among others holds nobody up", async () => {
    const origin = await startServer((_, response) => response.end("{}"));
    const actor = proxiedActor(origin, ["http://127.0.0.1:9", await startProxy()]);
    const { summary } = await runActor(actor, { config: await testConfig(), log, input: { pages: 20 } });
    expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 20, failures: {}, costUsd: 20 });
  });

  it("one that is gone for a while costs no request anything", async () => {
    const origin = await startServer((_, response) => response.end("{}"));
    let asked = 0;
    // From its 5th to its 9th answer.
    const actor = proxiedActor(origin, [await startProxy(() => ++asked < 5 || asked > 9)]);
    const config = await testConfig({ MAX_CONCURRENCY: "4" });
    const { summary } = await runActor(actor, { config, log, input: { pages: 20 } });
    expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 20, failures: {}, costUsd: 20 });
  });

  it("a site to which no connection comes about is not its targets' fault", async () => {
    const { exitCode, summary } = await runActor(proxiedActor("http://127.0.0.1:9", []), {
      config: await testConfig({ MAX_STALL_SECS: "3" }),
      log,
      input: { pages: 3 },
    });
    expect(exitCode).toBe(1);
    expect(summary).toMatchObject({ status: "FAILED", requestsPending: 3, costUsd: 0, failures: {} });
    expect(summary!.statusMessage).toMatch(/refused: connect ECONNREFUSED/);
  });
});

it("goes on with --resume where a stalled crawl ended", async () => {
  let isBlocked = true;
  const asked: string[] = [];
  const origin = await startServer((request, response) => {
    if (isBlocked && asked.length >= 5) {
      response.writeHead(403, { "content-type": "text/html" }).end("<title>Blocked</title>");
      return;
    }
    asked.push(request.url!);
    response.end("{}");
  });
  const config = await testConfig({ MAX_STALL_SECS: "2", MAX_CONCURRENCY: "1" });
  const actor = pagesActor(origin);
  await runActor(actor, { config, log, input: { pages: 20 } });
  isBlocked = false;
  const { summary } = await runActor(actor, { config, log, resume: true });
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 20, items: { reddit_posts: 20 } });
  expect(asked.length).toBe(new Set(asked).size);
});

it("waits out a storm of 429s, and no request pays for it", async () => {
  let answered = 0;
  const origin = await startServer((_, response) => {
    answered++;
    if (answered > 10 && answered <= 16) response.writeHead(429, { "retry-after": "1" }).end("too many");
    else response.end("{}");
  });
  const config = await testConfig();
  const { summary } = await runActor(pagesActor(origin), { config, log, input: { pages: 40 } });
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 40, failures: {} });
  expect(summary!.waitedSecs).toBeGreaterThan(0.9);
  expect(answered).toBeLessThanOrEqual(46);
});

it.each([-1, 1])("waits as long as it should when the time of day is set by %i h", async (hours) => {
  onTestFinished(() => void vi.useRealTimers());
  let answered = 0;
  const origin = await startServer((_, response) => {
    answered++;
    if (answered === 5) {
      vi.useFakeTimers({ toFake: ["Date"] });
      vi.setSystemTime(Date.now() + hours * 3_600_000);
    }
    if (answered === 10) response.writeHead(429, { "retry-after": "1" }).end("too many");
    else response.end("{}");
  });
  const config = await testConfig({ MAX_STALL_SECS: "10", MAX_CONCURRENCY: "2" });
  const { summary } = await runActor(pagesActor(origin), { config, log, input: { pages: 20 } });
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 20 });
  expect(summary!.waitedSecs).toBeGreaterThan(0.9);
  expect(summary!.waitedSecs).toBeLessThan(60);
  expect(summary!.durationSecs).toBeGreaterThan(0.9);
  expect(summary!.durationSecs).toBeLessThan(60);
});

it("starts fresh without --resume, and keeps the input record", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await testConfig();
  const actor = pagesActor(origin);
  await runActor(actor, { config, log, input: { pages: 5 } });
  const { summary } = await runActor(actor, { config, log });
  expect(summary).toMatchObject({ requestsFinished: 5, requestsSent: 5, items: { reddit_posts: 5 } });
});

it("touches nothing of the last crawl when the new input is invalid", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await testConfig();
  const actor = pagesActor(origin);
  await runActor(actor, { config, log, input: { pages: 3 } });
  const { exitCode } = await runActor(actor, { config, log, input: { pages: 0, page: 1 } });
  expect(exitCode).toBe(2);
  expect(await items(config, "reddit_posts")).toHaveLength(3);
});

it("does not resume a queue whose requests are of another shape, and leaves it whole for the version that can", async () => {
  let isBlocked = true;
  const origin = await startServer((_, response) => {
    if (isBlocked) response.writeHead(403, { "content-type": "text/html" }).end("<title>Blocked</title>");
    else response.end("{}");
  });
  const config = await testConfig({ MAX_STALL_SECS: "1" });
  const actor = pagesActor(origin);
  expect((await runActor(actor, { config, log, input: { pages: 3 } })).exitCode).toBe(1);
  isBlocked = false;

  const journal = path.join(config.storageDir, "request_queues/pages/journal.jsonl");
  const before = readFileSync(journal);
  const other = pagesActor(origin, { userData: z.object({ page: z.int() }) });
  expect(await runActor(other, { config, log, resume: true })).toEqual({ exitCode: 1, summary: null });
  expect(readFileSync(journal)).toEqual(before);

  // As journals were before versions were written.
  writeFileSync(journal, before.toString().replaceAll(',"version":1,"requests":1', ""));
  const { summary } = await runActor(actor, { config, log, resume: true });
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 3, requestsFailed: 0 });
});
