import type { Item } from "../crawl/run-storage.ts";
import { compareDataset, type Comparison, type ReadItems } from "./compare-truth.ts";

/** What was crawled of each creator. */
export interface CrawledCreators {
  /** Names or ids, as they were asked for. */
  creators: readonly string[];
  posts: number;
  reels: number;
  /** @default false */
  related?: boolean;
  /** @default api */
  source?: "api" | "web" | "browser";
}

/**
 * Compares the datasets of an Instagram crawl with the ground truth of the stand-in world at `url`: every item and every
 * field, the creators' figures among them, both ways.
 */
export async function compareInstagram(
  url: string,
  read: ReadItems,
  { creators, posts, reels, related = false, source = "api" }: CrawledCreators,
): Promise<Comparison[]> {
  const truth = async <T>(path: string, query: Record<string, string | number> = {}): Promise<T> => {
    const all = new URLSearchParams({ source, ...query } as Record<string, string>);
    return (await (await fetch(`${url}/_sandbox/truth/${path}?${all}`)).json()) as T;
  };
  const expected: Record<string, Item[]> = { creators: [], posts: [], reels: [], related: [] };
  for (const name of creators) {
    const creator = await truth<Item>(`instagram_creators/${name}`);
    if (creator["ig_user_id"] === undefined || creator["username"] === undefined) {
      // Of whom nothing but its absence is stated an item tells only when its id was asked for.
      const { availability, availability_reason } = creator;
      if (isId(name) && availability !== "unknown")
        expected["creators"]!.push({ ig_user_id: name, availability, availability_reason });
      continue;
    }
    const isOpen = creator["availability"] === "ok";
    const figures = isOpen
      ? await truth<Item>(`instagram_metrics/${name}`, { posts, reels, observed_at: Date.now() / 1000 })
      : {};
    expected["creators"]!.push({ ...creator, ...figures });
    if (!isOpen) continue;
    expected["posts"]!.push(...(await truth<Item[]>(`instagram_posts/${name}`, { limit: posts })));
    expected["reels"]!.push(...(await truth<Item[]>(`instagram_reels/${name}`, { limit: reels })));
    if (related) expected["related"]!.push(...(await truth<Item[]>(`instagram_related/${name}`)));
  }
  const keys: Record<string, (item: Item) => string> = {
    creators: (item) => String(item["ig_user_id"]),
    posts: (item) => String(item["media_id"]),
    reels: (item) => String(item["media_id"]),
    related: (item) => `${item["source_ig_user_id"]} to ${item["target_ig_user_id"]}`,
  };
  return Promise.all(
    Object.entries(keys).map(([what, keyOf]) =>
      compareDataset({ dataset: `instagram_${what}`, read, keyOf }, expected[what]!),
    ),
  );
}

/** Names of the stand-in's creators have letters. */
function isId(key: string): boolean {
  return /^\d+$/.test(key);
}
