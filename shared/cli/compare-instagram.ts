import type { Item } from "../crawl/run-storage.ts";
import { compareDataset, type Comparison, type ReadItems } from "./compare-truth.ts";

/** What was crawled of each creator. */
export interface CrawledCreators {
  names: readonly string[];
  posts: number;
  reels: number;
  related: boolean;
  /** What the source can tell; a browser sees what the web answers. @default api */
  source?: "api" | "web";
}

/**
 * Compares the datasets of an Instagram crawl with the ground truth of the stand-in world at `url`: every item and every
 * field, the creators' figures among them, both ways.
 */
export async function compareInstagram(
  url: string,
  read: ReadItems,
  { names, posts, reels, related, source = "api" }: CrawledCreators,
): Promise<Comparison[]> {
  const truth = async <T>(path: string, query: Record<string, string | number> = {}): Promise<T> => {
    const all = new URLSearchParams({ source, ...query } as Record<string, string>);
    return (await (await fetch(`${url}/_sandbox/truth/${path}?${all}`)).json()) as T;
  };
  const expected: Record<string, Item[]> = { creators: [], posts: [], reels: [], related: [] };
  for (const name of names) {
    const creator = await truth<Item>(`instagram_creators/${name}`);
    // Of whom only the name was asked for, and nothing else is stated, no item can tell.
    if (creator["ig_user_id"] === undefined || creator["username"] === undefined) continue;
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
