import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import { startSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/sandbox.ts";
import { compareWithTruth, DEFAULT_LISTINGS } from "../../shared/cli/compare-truth.ts";
import type { Config } from "../../shared/config.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { testConfig } from "./test-site.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const log = pino({ level: "silent" });
const SUBREDDITS = 12;

interface World {
  sandbox: Sandbox;
  config: Config;
  names: string[];
  /** The input for all names; equal to the truth afterwards, or the test fails. */
  crawl(): Promise<NonNullable<Awaited<ReturnType<typeof runActor>>["summary"]>>;
}

async function startWorld(options: SandboxOptions, env: Record<string, string> = {}): Promise<World> {
  const sandbox = await startSandbox({ seed: 11, subreddits: 60, users: 600, ...options });
  onTestFinished(() => sandbox.close());
  const config = await testConfig({ ...sandbox.env, ...env });
  const { names } = (await (await fetch(`${sandbox.url}/_sandbox/truth?count=${SUBREDDITS}`)).json()) as {
    names: string[];
  };
  return {
    sandbox,
    config,
    names,
    async crawl() {
      const { summary } = await runActor(actor, { config, log, input: { ...INPUT, subreddits: names } });
      await expectTruth(sandbox, config, names);
      return summary!;
    },
  };
}

/** The default work. */
const INPUT = { discover: true };

async function expectTruth(sandbox: Sandbox, config: Config, names: string[]): Promise<void> {
  const comparisons = await compareWithTruth(sandbox.url, config.storageDir, {
    names,
    listings: DEFAULT_LISTINGS,
    isWhole: true,
  });
  for (const { differences } of comparisons) expect(differences).toEqual([]);
}

async function windows(sandbox: Sandbox) {
  const stats = (await (await fetch(`${sandbox.url}/_sandbox/stats`)).json()) as {
    windows: { owner: string; requests: number; over: number }[];
  };
  return stats.windows;
}

it("works around a dead proxy", async () => {
  const { crawl } = await startWorld({ proxies: [{ kind: "dead" }, { kind: "ok" }] });
  const summary = await crawl();
  expect(summary.status).toBe("SUCCEEDED");
  expect(Object.keys(summary.failures).filter((reason) => !reason.startsWith("gone/"))).toEqual([]);
});

it("works around proxies that are slow, reset connections, or are blocked by the site", async () => {
  const { crawl } = await startWorld({
    proxies: [{ kind: "slow", delayMs: 100 }, { kind: "resetting" }, { kind: "blocked" }, { kind: "auth" }],
  });
  expect((await crawl()).status).toBe("SUCCEEDED");
});

it("gets a new token when one is revoked in the middle of a crawl", async () => {
  const { crawl } = await startWorld({
    faults: [{ kind: "revoke_token", rate: 1, times: 1, match: "/hot" }],
  });
  const summary = await crawl();
  expect(summary).toMatchObject({ status: "SUCCEEDED" });
  expect(summary.outcomes.unauthorized).toBeGreaterThan(0);
});

it.each([
  { kind: "gzip_bomb" as const, size_mbytes: 300 },
  { kind: "giant_body" as const, size_mbytes: 50 },
])("survives a $kind and asks again", async (fault) => {
  const { crawl } = await startWorld({ faults: [{ ...fault, rate: 1, times: 1, match: "/hot" }] });
  const before = process.memoryUsage.rss();
  const summary = await crawl();
  expect(summary.outcomes.malformed).toBeGreaterThan(0);
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
});

it("never exceeds the budget of one client id through ten proxies", async () => {
  const proxies = Array.from({ length: 10 }, () => ({ kind: "ok" as const }));
  // A window of 20 requests every 2 s of real time.
  const { sandbox, crawl } = await startWorld({ proxies, budgetRequests: 20, budgetSecs: 80, timeScale: 40 });
  const summary = await crawl();
  expect(summary.status).toBe("SUCCEEDED");
  const ofClient = (await windows(sandbox)).filter(({ owner }) => owner.includes("sandbox-client-1"));
  expect(Math.max(...ofClient.map(({ requests }) => requests))).toBeLessThanOrEqual(20);
  expect(ofClient.every(({ over }) => over === 0)).toBe(true);
});

it("retires a client whose credentials are wrong, and says what to check", async () => {
  const { config, names } = await startWorld({}, { REDDIT_CLIENT_SECRET: "wrong" });
  const { exitCode, summary } = await runActor(actor, {
    config,
    log,
    input: { ...INPUT, subreddits: names },
  });
  expect(exitCode).toBe(1);
  expect(summary?.statusMessage).toMatch(/retired: .*check client_id and client_secret/);
  expect(summary?.requestsFinished).toBe(0);
});

it("crawls the public pages where they answer", async () => {
  const { sandbox, names } = await startWorld({});
  const { REDDIT_CLIENT_ID: _, REDDIT_CLIENT_SECRET: __, ...env } = sandbox.env;
  const config = await testConfig(env);
  const { summary } = await runActor(actor, {
    config,
    log,
    input: { ...INPUT, subreddits: names, source: "public" },
  });
  expect(summary?.status).toBe("SUCCEEDED");
  await expectTruth(sandbox, config, names);
});

it("changes no subreddit's availability when the public pages are closed", async () => {
  const { config, names } = await startWorld({ public: "closed" }, { MAX_STALL_SECS: "2" });
  const { exitCode, summary } = await runActor(actor, {
    config,
    log,
    input: { ...INPUT, subreddits: names, source: "public" },
  });
  expect(exitCode).toBe(1);
  expect(summary?.items).toEqual({});
  expect(summary?.statusMessage).toMatch(/block|challenge|network/i);
});

it.each(["SIGTERM", "SIGINT"] as const)(
  "ends on %s with what is in flight committed, and goes on with --resume",
  async (signal) => {
    const { sandbox, config, names } = await startWorld({
      faults: [{ kind: "slow_headers", rate: 1, delay_ms: 300 }],
    });
    const env = {
      ...sandbox.env,
      PATH: process.env["PATH"]!,
      STORAGE_DIR: config.storageDir,
      MAX_CONCURRENCY: "3",
    };
    const input = JSON.stringify({ ...INPUT, subreddits: names });
    const child = spawn(path.join(ROOT, "b9"), ["crawl", "reddit", "--input", input, "--json"], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const output = child.stdout.toArray();
    const requestsSeen = async () =>
      (await windows(sandbox)).reduce((sum, { requests }) => sum + requests, 0);
    while ((await requestsSeen()) < 5 && child.exitCode === null) await sleep(20);
    child.kill(signal);
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(0);
    const summary = JSON.parse(Buffer.concat(await output).toString()) as {
      status: string;
      requestsFinished: number;
      requestsPending: number;
    };
    expect(summary.status).toBe("ABORTED");
    expect(summary.requestsPending).toBeGreaterThan(0);
    const asked = await requestsSeen();
    expect(summary.requestsFinished).toBeGreaterThanOrEqual(asked - 3);

    const resumed = spawn(path.join(ROOT, "b9"), ["crawl", "reddit", "--resume"], { env, stdio: "ignore" });
    expect(await once(resumed, "exit")).toEqual([0, null]);
    await expectTruth(sandbox, config, names);
  },
);

it("prints both mistakes of an input with field, value and what would be right, and asks nothing", async () => {
  const { sandbox, config } = await startWorld({});
  const env = { ...sandbox.env, PATH: process.env["PATH"]!, STORAGE_DIR: config.storageDir };
  const input = '{"subreddits":["no such name!!"],"listings":[{"sort":"best"}]}';
  const child = spawn(path.join(ROOT, "b9"), ["crawl", "reddit", "--input", input], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors = child.stderr.toArray();
  expect(await once(child, "exit")).toEqual([2, null]);
  const text = Buffer.concat(await errors).toString();
  expect(text).toMatch(/subreddits\[0\]: expected a subreddit name.*got "no such name!!"/);
  expect(text).toMatch(/listings\[0\]\.sort: expected one of hot, new.*got "best"/);
  expect(await windows(sandbox)).toEqual([]);
  await expect(readFile(path.join(config.storageDir, "key_value_stores/default/INPUT.json"))).rejects.toThrow(
    "ENOENT",
  );
});
