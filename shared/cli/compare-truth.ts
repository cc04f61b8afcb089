import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { readDataset } from "../crawl/dataset-reader.ts";
import type { Item } from "../crawl/run-storage.ts";

/** How a dataset compares with what a perfect crawl would have. */
export interface Comparison {
  dataset: string;
  expected: number;
  found: number;
  /** One line a difference: item, field, both values. */
  differences: string[];
}

/** What was crawled: an input's subreddits and listings. */
export interface Crawled {
  names: readonly string[];
  listings: readonly { sort: string; time?: string; limit: number }[];
  /** Rules, metrics, authors and discoveries as well: the default work. Its listings are hot 100 and top-week 100. */
  isWhole?: boolean;
}

export const DEFAULT_LISTINGS = [
  { sort: "hot", limit: 100 },
  { sort: "top", time: "week", limit: 100 },
];

/** Fields that tell of the collection, not of the world. */
const OWN_FIELDS = new Set([
  "observed_at",
  "source",
  "metrics_at",
  "metrics_uncertain_lists",
  "api_calls",
  "api_cost_usd",
]);
/** Ages grow while a crawl runs: what follows from them may differ by this much, and by this share. */
const AGE_TOLERANCES: Record<string, [absolute: number, relative: number]> = {
  min_account_age_days: [0.05, 0],
  age_quality_score: [0.005, 0],
  overall_user_score: [0.002, 0],
  karma_per_day: [0.01, 1e-3],
  days_since_last_post: [0.01, 0],
};
const CHUNK = 100;

/** Items of a dataset. */
export type ReadItems = (dataset: string) => AsyncIterable<Item>;

/**
 * Compares the datasets of a Reddit crawl with the ground truth of the stand-in world at `url`: every item and every
 * field, both ways.
 * @param found a storage folder, or what reads a dataset
 */
export async function compareWithTruth(
  url: string,
  found: string | ReadItems,
  crawled: Crawled,
): Promise<Comparison[]> {
  const read: ReadItems = typeof found === "string" ? (dataset) => readDataset(found, dataset) : found;
  const truth = new Truth(`${url}/_sandbox/truth`);
  const facts = await truth.items("subreddits?names=", crawled.names);
  const open = facts.filter((item) => item["availability"] === "ok").map((item) => String(item["name"]));
  const posts = await truth.items("posts?ids=", await listedIds(truth, open, crawled.listings));
  const compare = (dataset: string, keyOf: (item: Item) => string, expected: readonly Item[]) =>
    compareDataset({ dataset, read, keyOf }, expected);
  const byId = (item: Item) => String(item["reddit_id"]);
  const byName = (item: Item) => String(item["name"]).toLowerCase();
  if (!crawled.isWhole) {
    return [await compare("reddit_subreddits", byName, facts), await compare("reddit_posts", byId, posts)];
  }
  const observedAt = Date.now() / 1000;
  const more = new Map(
    await Promise.all(
      open.map(async (name) => {
        const metrics = await truth.get(`metrics/${name}?observed_at=${observedAt}`, TruthItem);
        return [name, { ...metrics, rules_data: await truth.get(`rules/${name}`, z.unknown()) }] as const;
      }),
    ),
  );
  const subreddits = facts.map((item) => ({ ...item, ...more.get(String(item["name"])) }));
  const authors = await Promise.all(open.map((name) => truth.get(`authors/${name}`, z.array(z.string()))));
  const users = await truth.items("users?ids=", [...new Set(authors.flat())]);
  const byPlace = (item: Item) => `${byName(item)} in ${item["seen_in"]}`;
  return [
    await compare("reddit_subreddits", byName, subreddits),
    await compare("reddit_posts", byId, posts),
    await compare("reddit_users", byId, users),
    await compare("reddit_discoveries", byPlace, await discoveries(truth, open)),
  ];
}

const TruthItem = z.record(z.string(), z.unknown());

class Truth {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(await (await fetch(`${this.#url}/${path}`)).json());
  }

  /** Those that the world has, of any number. */
  async items(path: string, keys: readonly string[]): Promise<Item[]> {
    const items: (Item | null)[] = [];
    for (let i = 0; i < keys.length; i += CHUNK) {
      const chunk = keys
        .slice(i, i + CHUNK)
        .map(encodeURIComponent)
        .join(",");
      items.push(...(await this.get(`${path}${chunk}`, z.array(TruthItem.nullable()))));
    }
    return items.filter((item) => item !== null);
  }
}

async function listedIds(
  truth: Truth,
  names: readonly string[],
  listings: Crawled["listings"],
): Promise<string[]> {
  const ids = new Set<string>();
  for (const name of names) {
    for (const { sort, time, limit } of listings) {
      const query = new URLSearchParams({ limit: String(limit), ...(time && { t: time }) });
      for (const id of await truth.get(`listings/${name}/${sort}?${query}`, z.array(z.string()))) ids.add(id);
    }
  }
  return [...ids];
}

/** Where the crossposts of each subreddit come from. */
async function discoveries(truth: Truth, names: readonly string[]): Promise<Item[]> {
  const found = await Promise.all(
    names.map(async (place) => {
      const origins = await truth.get(`origins/${place}`, z.array(z.string()));
      return origins.map((name) => ({ name, seen_in: `r/${place}` }));
    }),
  );
  return found.flat();
}

/** Compares all items of a dataset with those `expected`, both ways. */
export async function compareDataset(
  { dataset, read, keyOf }: { dataset: string; read: ReadItems; keyOf: (item: Item) => string },
  expected: readonly Item[],
): Promise<Comparison> {
  const missing = new Map(expected.map((item) => [keyOf(item), item]));
  const differences: string[] = [];
  let found = 0;
  for await (const item of read(dataset)) {
    found++;
    const key = keyOf(item);
    const truth = missing.get(key);
    missing.delete(key);
    if (truth) differences.push(...compareFields(`${dataset} ${key}`, truth, item));
    else differences.push(`${dataset} ${key}: not expected, or there twice`);
  }
  for (const key of missing.keys()) differences.push(`${dataset} ${key}: missing`);
  return { dataset, expected: expected.length, found, differences };
}

/** One line for each field of `item` that is not as in `truth`, either way; ages within what a crawl takes. */
export function compareFields(name: string, truth: Item, item: Item): string[] {
  const fields = [...new Set([...Object.keys(truth), ...Object.keys(item)])].filter(
    (field) => !OWN_FIELDS.has(field),
  );
  return fields
    .filter((field) => !isSame(field, truth[field] ?? null, item[field] ?? null))
    .map((field) => `${name}: ${field} is ${brief(item[field])}, expected ${brief(truth[field])}`);
}

/** A field that an item does not carry and one that is null say the same of the world: nothing is there. */
function isSame(field: string, truth: unknown, value: unknown): boolean {
  if (typeof truth !== "number" || typeof value !== "number") return isDeepStrictEqual(truth, value);
  const [absolute, relative] = AGE_TOLERANCES[field] ?? [0, 1e-9];
  return Math.abs(truth - value) <= absolute + Math.abs(truth) * relative;
}

function brief(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value).slice(0, 120);
}
