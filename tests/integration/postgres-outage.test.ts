import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { type OwnServer, startOwnServer } from "./postgres-own-server.ts";
import { pagesActor, startServer, testConfig } from "./test-site.ts";

/** Longer than leases live. */
const AWAY_MS = 10_000;
const LEASE_SECS = 4;
const PAGES = 60;

let server: OwnServer;
beforeAll(async () => {
  server = await startOwnServer();
});
afterAll(() => server.remove());

/** A crawl during which the database goes away when the site is asked for its `page`th page. */
async function crawlThroughOutage(page: number, ending: "fast" | "immediate") {
  let asked = 0;
  let outage = Promise.resolve();
  const origin = await startServer((_, response) => {
    if (++asked === page) outage = beAway();
    setTimeout(() => response.end("{}"), 20);
  });
  async function beAway(): Promise<void> {
    await server.stop(ending);
    await sleep(AWAY_MS);
    await server.start();
  }
  const lines: { level: string; msg: string }[] = [];
  const result = await runActor(pagesActor(origin), {
    input: { pages: PAGES },
    database: {},
    config: await testConfig({
      DATABASE_URL: server.databaseUrl,
      LEASE_SECS: String(LEASE_SECS),
      MAX_CONCURRENCY: "4",
    }),
    log: pino(
      { formatters: { level: (level) => ({ level }) } },
      { write: (line) => lines.push(JSON.parse(line)) },
    ),
  });
  await outage;
  return { ...result, lines };
}

it.each([
  ["in the middle of a crawl", 20, "fast"],
  ["at its end", PAGES, "immediate"],
] as const)(
  "a database that is away %s costs nothing, and two lines of the log",
  async (_, page, ending) => {
    const { exitCode, summary, lines } = await crawlThroughOutage(page, ending);
    expect(exitCode).toBe(0);
    expect(summary).toMatchObject({
      status: "SUCCEEDED",
      requestsFinished: PAGES,
      items: { reddit_posts: PAGES },
    });
    expect(summary!.durationSecs).toBeGreaterThan(AWAY_MS / 1000);
    const about = lines.filter(({ level, msg }) => level !== "info" || msg.includes("database"));
    expect(about).toEqual([
      expect.objectContaining({
        level: "warn",
        msg: expect.stringMatching(/^the database is away: .*waits$/),
      }),
      expect.objectContaining({
        level: "info",
        msg: expect.stringMatching(/^the database is back after \d+/),
      }),
    ]);
  },
  60_000,
);

it("a database that cannot be reached or used is named in one line", async () => {
  const crawl = async (databaseUrl: string) =>
    runActor(pagesActor("http://127.0.0.1:1"), {
      input: { pages: 1 },
      database: {},
      config: await testConfig({ DATABASE_URL: databaseUrl }),
      log: pino({ level: "silent" }),
    });
  const written: string[] = [];
  const write = process.stderr.write;
  process.stderr.write = (text) => written.push(String(text)) > 0;
  const { exitCode } = await crawl(server.databaseUrl.replace("crawled", "nowhere")).finally(() => {
    process.stderr.write = write;
  });
  expect(exitCode).toBe(1);
  expect(written).toEqual([`the database cannot be used: database "nowhere" does not exist\n`]);
});
