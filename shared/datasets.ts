import { foldName } from "./parse/text.ts";
import type { Item, MergeRule } from "./crawl/run-storage.ts";
import { showValue } from "./parse/issues.ts";

/** How the items of a dataset are told apart, and what happens when one comes twice within a run. */
export interface DatasetSpec {
  /** The item's key; a missing field is an error of the actor. */
  key: (item: Item) => unknown[];
  merge: MergeRule;
  /** Handlers may ask for items that the run already has. A local crawl keeps these items in memory. */
  lookup?: true;
}

/** Every dataset that an actor may push to. Keys and rules: one place, the same for journal and tables. */
export const DATASETS = {
  reddit_subreddits: { key: (item) => [lower(item["name"])], merge: "merge" },
  reddit_posts: { key: (item) => [item["reddit_id"]], merge: "first" },
  reddit_comments: { key: (item) => [item["reddit_id"]], merge: "first" },
  reddit_users: { key: (item) => [lower(item["username"])], merge: "merge", lookup: true },
  reddit_discoveries: { key: (item) => [lower(item["name"]), lower(item["seen_in"])], merge: "first" },
  instagram_creators: { key: (item) => [item["ig_user_id"]], merge: "merge" },
  instagram_posts: { key: (item) => [item["media_id"]], merge: "first" },
  instagram_reels: { key: (item) => [item["media_id"]], merge: "first" },
  instagram_related: {
    key: (item) => [item["source_ig_user_id"], item["target_ig_user_id"]],
    merge: "first",
  },
  failed_requests: { key: (item) => [item["request_id"]], merge: "newest" },
} as const satisfies Record<string, DatasetSpec>;

export type DatasetName = keyof typeof DATASETS;

/**
 * The key of `item` in `dataset` as one string.
 * @throws {TypeError} when a key field is missing, named with the dataset
 */
export function itemKey(dataset: DatasetName, item: Item): string {
  const spec: DatasetSpec = DATASETS[dataset];
  const parts = spec.key(item);
  if (!parts.every((part) => typeof part === "string" && part !== "")) {
    throw new TypeError(`item of ${dataset} without its key: ${showValue(item)}`);
  }
  return parts.join("\u001f");
}

function lower(value: unknown): unknown {
  return typeof value === "string" ? foldName(value) : value;
}
