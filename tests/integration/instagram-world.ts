import { pino } from "pino";
import { onTestFinished } from "vitest";
import { actor } from "../../actors/instagram/main.ts";
import { type SandboxOptions, startSandbox } from "../../sandbox/sandbox.ts";
import { type RunActorResult, runActor } from "../../shared/crawl/run-actor.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import type { Config } from "../../shared/config.ts";
import { items, testConfig } from "./test-site.ts";

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

const LISTS = { posts: "instagram_posts", reels: "instagram_reels" } as const;

/**
 * Where the items of a crawl differ from what a perfect one finds, a line a field. What is not stored is the same as
 * what nobody tells.
 */
export async function compareWithWorld(
  world: World,
  config: Config,
  wanted: { source: "api" | "web"; posts: number; reels: number; related?: boolean },
): Promise<string[]> {
  const { source } = wanted;
  const differences: string[] = [];
  const compare = (what: string, item: Item | undefined, want: Item) => {
    if (!item) return void differences.push(`${what} is missing`);
    for (const [field, value] of Object.entries(want)) {
      const [ours, theirs] = [item[field] ?? null, value ?? null].map((one) => JSON.stringify(one));
      if (ours !== theirs) differences.push(`${what}.${field}: expected ${theirs}, got ${ours}`);
    }
  };
  const creators = await items(config, "instagram_creators");
  const lists = {
    posts: await items(config, "instagram_posts"),
    reels: await items(config, "instagram_reels"),
  };
  const related = await items(config, "instagram_related");
  for (const name of world.names) {
    const creator = await world.truth<Item>(`instagram_creators/${name}?source=${source}`);
    // Of whom only the name was asked for, and nothing else stated, no item can tell.
    if (creator["username"] === undefined || creator["ig_user_id"] === undefined) continue;
    const id = creator["ig_user_id"];
    compare(
      name,
      creators.find((item) => item["ig_user_id"] === id),
      creator,
    );
    const isOpen = creator["availability"] === "ok";
    for (const [list, dataset] of Object.entries(LISTS) as [keyof typeof LISTS, string][]) {
      const query = `source=${source}&limit=${wanted[list]}`;
      const truth = isOpen ? await world.truth<Item[]>(`${dataset}/${name}?${query}`) : [];
      const found = new Map(
        lists[list].filter((item) => item["ig_user_id"] === id).map((item) => [item["media_id"], item]),
      );
      if (found.size !== truth.length)
        differences.push(`${name}: expected ${truth.length} ${list}, got ${found.size}`);
      for (const want of truth)
        compare(`${name} ${String(want["media_id"])}`, found.get(want["media_id"]), want);
    }
    if (!wanted.related) continue;
    const edges = isOpen ? await world.truth<Item[]>(`instagram_related/${name}`) : [];
    const found = related.filter((item) => item["source_ig_user_id"] === id);
    if (found.length !== edges.length)
      differences.push(`${name}: expected ${edges.length} related, got ${found.length}`);
    for (const [i, edge] of edges.entries()) compare(`${name} related ${i}`, found[i], edge);
  }
  return differences;
}
