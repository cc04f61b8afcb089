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

/** What was crawled: the input's subreddits and listings. */
export interface CrawledListings {
  names: readonly string[];
  listings: readonly { sort: string; time?: string; limit: number }[];
}

/** A field that an item does not carry and one that is null say the same of the world: nothing is there. */
const valueOf = (item: Item, field: string) => item[field] ?? null;

/** Fields of an item that tell of its collection, not of the world. */
const OWN_FIELDS = new Set(["observed_at", "source"]);
const CHUNK = 100;

/**
 * Compares the datasets of a storage folder with the ground truth of the stand-in world at `url`, every item and
 * every field, both ways.
 */
export async function compareWithTruth(
  url: string,
  storageDir: string,
  crawled: CrawledListings,
): Promise<Comparison[]> {
  const truth = async <T>(path: string, schema: z.ZodType<T>) =>
    schema.parse(await (await fetch(`${url}/_sandbox/truth/${path}`)).json());
  const subreddits = await truthItems(truth, "subreddits?names=", crawled.names);
  const open = subreddits.filter((item) => item["availability"] === "ok").map((item) => String(item["name"]));
  const ids = new Set<string>();
  for (const name of open) {
    for (const { sort, time, limit } of crawled.listings) {
      const query = new URLSearchParams({ limit: String(limit), ...(time && { t: time }) });
      for (const id of await truth(`listings/${name}/${sort}?${query}`, z.array(z.string()))) ids.add(id);
    }
  }
  const posts = await truthItems(truth, "posts?ids=", [...ids]);
  return [
    await compare("reddit_subreddits", "name", subreddits, storageDir),
    await compare("reddit_posts", "reddit_id", posts, storageDir),
  ];
}

type Truth = <T>(path: string, schema: z.ZodType<T>) => Promise<T>;

async function truthItems(truth: Truth, path: string, keys: readonly string[]): Promise<Item[]> {
  const items: Item[] = [];
  for (let i = 0; i < keys.length; i += CHUNK) {
    const chunk = keys
      .slice(i, i + CHUNK)
      .map(encodeURIComponent)
      .join(",");
    items.push(...(await truth(`${path}${chunk}`, z.array(z.record(z.string(), z.unknown())))));
  }
  return items;
}

async function compare(
  dataset: string,
  keyField: string,
  expected: readonly Item[],
  storageDir: string,
): Promise<Comparison> {
  const key = (item: Item) => String(item[keyField]).toLowerCase();
  const missing = new Map(expected.map((item) => [key(item), item]));
  const differences: string[] = [];
  let found = 0;
  for await (const item of readDataset(storageDir, dataset)) {
    found++;
    const truth = missing.get(key(item));
    missing.delete(key(item));
    if (truth) differences.push(...compareFields(`${dataset} ${key(item)}`, truth, item));
    else differences.push(`${dataset} ${key(item)}: not expected, or there twice`);
  }
  for (const name of missing.keys()) differences.push(`${dataset} ${name}: missing`);
  return { dataset, expected: expected.length, found, differences };
}

function compareFields(name: string, truth: Item, item: Item): string[] {
  const fields = new Set(
    [...Object.keys(truth), ...Object.keys(item)].filter((field) => !OWN_FIELDS.has(field)),
  );
  return [...fields]
    .filter((field) => !isDeepStrictEqual(valueOf(truth, field), valueOf(item, field)))
    .map((field) => `${name}: ${field} is ${brief(item[field])}, expected ${brief(truth[field])}`);
}

function brief(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value).slice(0, 120);
}
