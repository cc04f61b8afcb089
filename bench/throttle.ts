import { BasicCrawler } from "@crawlee/basic";
import { Configuration, log as crawleeLog, NonRetryableError } from "@crawlee/core";
import { MemoryStorage } from "@crawlee/memory-storage";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pino } from "pino";
import { z } from "zod";
import { createRedditSite } from "../actors/reddit/site.ts";
import { startSandboxWorld, type SandboxWorld } from "../shared/cli/sandbox-process.ts";
import { readConfig, type Config } from "../shared/config.ts";
import { createCrawl } from "../shared/crawl/crawl.ts";
import { type ActorDefinition, defineActor } from "../shared/crawl/define-actor.ts";
import { createHttpClient } from "../shared/crawl/http-client.ts";
import { readIdentitySpecs } from "../shared/crawl/identities-file.ts";
import { openLocalRunStorage } from "../shared/crawl/local/local-run-storage.ts";
import { Records } from "../shared/crawl/local/records.ts";
import { createRouter } from "../shared/crawl/router.ts";
import type { NewRequest } from "../shared/crawl/run-storage.ts";
import { formatTable } from "../shared/cli/table.ts";

/** A 600 s window of the site lasts 15 s here, so that many budgets stay below 200 requests/s in all. */
const TIME_SCALE = 40;
const WINDOW_SECS = 600;
export const REAL_WINDOW_MS = (WINDOW_SECS / TIME_SCALE) * 1000;
/** The first and the last are only partly used and dropped. */
const WINDOWS = 5;

const SITUATIONS = [
  { budgets: 2, requestsPerWindow: 1000 },
  { budgets: 10, requestsPerWindow: 280 },
  { budgets: 50, requestsPerWindow: 56 },
];

const GOALS = { used: 0.98, throttled: 0.001 };

export interface Figures {
  /** Requests that the site let through in whole windows, by what it would have let through. */
  used: number;
  /** 429s by all answers. */
  throttled: number;
  sent: number;
}

/**
 * How much of strict budgets a crawl uses whose queue is never empty, and how many 429s that costs, by the site's
 * own counts; beside it the same site crawled by BasicCrawler as it comes.
 * @returns whether the goals were met in every situation
 */
export async function benchThrottle(): Promise<boolean> {
  crawleeLog.setLevel(crawleeLog.LEVELS.OFF);
  const rows: string[][] = [];
  let isMet = true;
  for (const { budgets, requestsPerWindow } of SITUATIONS) {
    const kit = await measure(budgets, requestsPerWindow, crawlWithKit);
    const stock = await measure(budgets, requestsPerWindow, crawlWithCrawlee);
    rows.push(
      [`${budgets} budgets, kit`, ...format(kit)],
      [`${budgets} budgets, stock Crawlee`, ...format(stock)],
    );
    isMet &&= kit.used >= GOALS.used && kit.throttled <= GOALS.throttled;
  }
  process.stdout.write(formatTable(["", "made / allowed", "429s", "requests"], rows));
  process.stdout.write(
    `\ngoals for the kit: made / allowed at least 98 %, 429s at most 0.1 %: ${isMet ? "met" : "NOT met"}\n`,
  );
  return isMet;
}

async function measure(
  budgets: number,
  requestsPerWindow: number,
  crawl: (world: SandboxWorld, requests: number) => Promise<() => Promise<void>>,
): Promise<Figures> {
  const world = await startStrictWorld(budgets, requestsPerWindow);
  try {
    const stop = await crawl(world, budgets * requestsPerWindow * (WINDOWS + 2));
    await new Promise((resolve) => setTimeout(resolve, REAL_WINDOW_MS * WINDOWS));
    const figures = await readFigures(world, budgets, requestsPerWindow);
    await stop();
    return figures;
  } finally {
    await world.leave();
  }
}

/** A site that counts every client in windows of its own. */
export function startStrictWorld(budgets: number, requestsPerWindow: number): Promise<SandboxWorld> {
  return startSandboxWorld({
    port: 0,
    startAt: START_AT,
    timeScale: TIME_SCALE,
    budgetRequests: requestsPerWindow,
    budgetSecs: WINDOW_SECS,
    clients: Array.from({ length: budgets }, (_, i) => ({ id: `client-${i}`, secret: `secret-${i}` })),
    proxies: [],
  });
}

/** When the site's clock starts, in its seconds. */
const START_AT = 1_790_812_800;

const Stats = z.object({
  virtual_now: z.number(),
  windows: z.array(
    z.object({ owner: z.string(), window: z.number(), requests: z.number(), over: z.number() }),
  ),
});

export async function readFigures(
  world: SandboxWorld,
  budgets: number,
  requestsPerWindow: number,
): Promise<Figures> {
  const stats = Stats.parse(await (await fetch(`${world.url}/_sandbox/stats`)).json());
  const { windows } = stats;
  const first = Math.min(...windows.map(({ window }) => window));
  // A crawl that has given up leaves windows that nobody used; they count as well.
  const last = Math.floor((stats.virtual_now - START_AT) / WINDOW_SECS);
  const whole = windows.filter(({ window }) => window !== first && window !== last);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const made = sum(whole.map(({ requests, over }) => requests - over));
  const refused = sum(windows.map(({ over }) => over));
  const sent = sum(windows.map(({ requests }) => requests));
  return { used: made / ((last - first - 1) * budgets * requestsPerWindow), throttled: refused / sent, sent };
}

/** Distinct requests that cost the site little. */
function benchRequests(count: number): NewRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    url: `https://www.reddit.com/api/info?id=t3_${i.toString(36)}`,
    uniqueKey: `bench ${i}`,
    label: "BENCH",
    userData: {},
  }));
}

/** Asks for things that cost the site little, and does nothing with them. */
export function benchActor(requests: number): ActorDefinition {
  const router = createRouter();
  router.addHandler("BENCH", { userData: z.object({}), handle: async () => {} });
  return defineActor({
    name: "bench",
    title: "bench",
    description: "requests that do nothing",
    input: z.object({}),
    router,
    startRequests: () => benchRequests(requests),
    primaryDataset: "reddit_posts",
    datasets: [],
    resources: { memoryMbytes: 1024, timeoutSecs: 0, maxConcurrency: 50 },
    site: (settings) => ({
      site: createRedditSite(settings, "oauth"),
      identities: readIdentitySpecs(settings),
    }),
  });
}

async function crawlWithKit(world: SandboxWorld, requests: number): Promise<() => Promise<void>> {
  const config: Config = readConfig({ ...process.env, ...world.env });
  const storageDir = await mkdtemp(path.join(os.tmpdir(), "b9-bench-"));
  const storage = await openLocalRunStorage({ storageDir, name: "bench" });
  const client = createHttpClient({
    connectTimeoutMs: 10_000,
    headersTimeoutMs: 30_000,
    bodyTimeoutMs: 30_000,
    maxBodyBytes: 10_000_000,
  });
  const actor = benchActor(requests);
  const log = pino({ level: "silent" });
  const crawl = createCrawl({
    actor,
    input: {},
    storage,
    records: new Records(path.join(storageDir, "records")),
    client,
    config,
    log,
    maxConcurrency: 50,
  });
  const ended = crawl.run();
  return async () => {
    crawl.stop("measured");
    await ended;
    await storage.close();
    client.close();
    await rm(storageDir, { recursive: true });
  };
}

/** A token a client, taken in turn; everything else as it comes: the pool scales itself, a 429 is a retry. */
async function crawlWithCrawlee(world: SandboxWorld, requests: number): Promise<() => Promise<void>> {
  const specs = readIdentitySpecs(readConfig({ ...process.env, ...world.env }));
  const tokens = await Promise.all(
    specs.map(async (spec) => ({ userAgent: spec.userAgent, token: await askToken(world, spec) })),
  );
  const config = new Configuration({
    persistStorage: false,
    storageClient: new MemoryStorage({ persistStorage: false }),
  });
  let turn = 0;
  const crawler = new BasicCrawler(
    {
      async requestHandler({ request, sendRequest }) {
        const { token, userAgent } = tokens[turn++ % tokens.length]!;
        const { statusCode } = await sendRequest({
          url: request.url,
          headers: { authorization: `bearer ${token}`, "user-agent": userAgent },
          useHeaderGenerator: false,
          throwHttpErrors: false,
        });
        if (statusCode === 429) throw new Error("Request blocked - received 429 status code.");
        if (statusCode !== 200) throw new NonRetryableError(`status ${statusCode}`);
      },
    },
    config,
  );
  const urls = benchRequests(requests).map(({ url }) =>
    url.replace("https://www.reddit.com", world.env["REDDIT_API_URL"]!),
  );
  const ended = crawler.run(urls);
  return async () => {
    crawler.stop();
    await crawler.autoscaledPool?.abort();
    await ended;
  };
}

async function askToken(
  world: SandboxWorld,
  spec: { clientId?: string; clientSecret?: string; userAgent: string },
): Promise<string> {
  const response = await fetch(world.env["REDDIT_TOKEN_URL"]!, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${spec.clientId}:${spec.clientSecret}`).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": spec.userAgent,
    },
    body: "grant_type=client_credentials",
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

export function format({ used, throttled, sent }: Figures): string[] {
  return [`${(used * 100).toFixed(1)} %`, `${(throttled * 100).toFixed(2)} %`, sent.toLocaleString("en-US")];
}
