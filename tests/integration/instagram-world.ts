import { pino } from "pino";
import { onTestFinished } from "vitest";
import { actor } from "../../actors/instagram/main.ts";
import { type SandboxOptions, startSandbox } from "../../sandbox/sandbox.ts";
import { readDataset } from "../../shared/crawl/dataset-reader.ts";
import { type RunActorResult, runActor } from "../../shared/crawl/run-actor.ts";
import { compareInstagram, type CrawledCreators } from "../../shared/cli/compare-instagram.ts";
import type { ReadItems } from "../../shared/cli/compare-truth.ts";
import type { Config } from "../../shared/config.ts";
import { testConfig } from "./test-site.ts";

/** One call, as the stand-in logged it. */
export interface Call {
  at: number;
  path: string;
  endpoint: string | null;
  status: number | null;
  creator: string | null;
  price_usd: number;
}

export interface World {
  url: string;
  names: string[];
  ids: string[];
  env: Record<string, string>;
  truth<T>(path: string): Promise<T>;
  /** Every call since `from` of a source's part of the world, the oldest first. */
  calls(part: "/looter2" | "/ig" | "/cdn", from?: number): Promise<Call[]>;
  control(path: string, body: object): Promise<void>;
}

/** More than any test asks for: what is not measured shall not take its time. */
const WIDE = { perSecond: 200, perHour: 100_000 };

/** A stand-in Instagram of the test's own, without proxies. */
export async function startWorld(options: SandboxOptions = {}): Promise<World> {
  const { instagram = {}, ...rest } = options;
  const sandbox = await startSandbox({
    proxies: [],
    ...rest,
    instagram: {
      webRequests: 100_000,
      identityRequests: 100_000,
      ...instagram,
      apiPlan: { ...WIDE, ...instagram.apiPlan },
    },
  });
  onTestFinished(() => sandbox.close());
  const read = async <T>(path: string) =>
    (await (await fetch(`${sandbox.url}/_sandbox/${path}`)).json()) as T;
  const { names, ids } = await read<{ names: string[]; ids: string[] }>("truth/instagram");
  return {
    url: sandbox.url,
    names,
    ids,
    env: { ...sandbox.env, PROXY_URLS: "", INSTAGRAM_WEB_REQUESTS_PER_HOUR: "100000" },
    truth: (path) => read(`truth/${path}`),
    async calls(part, from = 0) {
      const log = await read<Call[]>("log");
      return log.filter(({ path, at }) => path.startsWith(part) && at >= from);
    },
    async control(path, body) {
      const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    },
  };
}

/** A crawl of the world in a storage folder of its own, or going on in that of `config`. */
export async function crawlWorld(
  world: World,
  input: object,
  {
    env = {},
    config,
    resume = false,
    maxConcurrency = 20,
  }: { env?: Record<string, string>; config?: Config; resume?: boolean; maxConcurrency?: number } = {},
): Promise<RunActorResult & { config: Config }> {
  const settings = config ?? (await testConfig({ ...world.env, ...env }));
  const result = await runActor(actor, {
    config: settings,
    log: pino({ level: "silent" }),
    input,
    resume,
    maxConcurrency,
  });
  return { ...result, config: settings };
}

/** Where the items of a crawl differ from what a perfect one finds, a line a difference; `[]`: nowhere. */
export async function compareWithWorld(
  { url }: World,
  { storageDir }: Config,
  wanted: CrawledCreators,
): Promise<string[]> {
  const read: ReadItems = (dataset) => readDataset(storageDir, dataset);
  const comparisons = await compareInstagram(url, read, wanted);
  return comparisons.flatMap(({ differences }) => differences);
}
