import { NonRetryableError } from "@crawlee/core";
import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { pino } from "pino";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
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
    handle: async () => {
      throw new Error("no such field: title");
    },
  });
  const { exitCode, summary } = await runActor(actor, { config, log, input: { pages: 1 } });
  expect(exitCode).toBe(0);
  expect(summary?.failures).toEqual({ "handlerError/Error": 1 });
  const [failed] = await items(config, "failed_requests");
  expect(failed).toMatchObject({ label: "PAGE", last_error: "no such field: title", attempts: 4 });
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
