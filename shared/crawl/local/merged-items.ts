import { DATASETS } from "../../datasets.ts";
import type { DatasetName, DatasetSpec } from "../../datasets.ts";
import { StorageError } from "../run-storage.ts";
import type { Item, MergeRule, PushedItem } from "../run-storage.ts";
import { readItems } from "./journal-lines.ts";
import type { ItemCounts, ItemKeys } from "./replay.ts";
import { scanChunks, scanLines } from "./scan-lines.ts";

/** @throws {StorageError} when there is no such dataset */
export function mergeRule(dataset: string): MergeRule {
  if (Object.hasOwn(DATASETS, dataset)) return DATASETS[dataset as DatasetName].merge;
  throw new StorageError(
    `dataset ${JSON.stringify(dataset)}: expected one of ${Object.keys(DATASETS).join(", ")}`,
  );
}

export function isLookup(dataset: string): boolean {
  const spec: DatasetSpec | undefined = DATASETS[dataset as DatasetName];
  return spec?.lookup === true;
}

/** `item` as it is in its dataset once it is pushed over `before`. */
export function mergeItem(rule: MergeRule, before: Item | undefined, item: Item): Item {
  if (before === undefined || rule === "newest") return item;
  return rule === "merge" ? { ...before, ...item } : before;
}

export interface MergedItemsSource {
  /** Of a journal. */
  path: string;
  /** How much of it to read. */
  sizeBytes: number;
  /** Distinct items by dataset in that part. */
  counts: ItemCounts;
  /** Their keys, in the order of first sight; more may follow. */
  itemKeys: ItemKeys;
}

/**
 * Calls `onItem` for every item of a journal, merged by its dataset's rule, in the order of first sight within its
 * dataset. Datasets that keep the first item stream; the items of the others are in memory until the end.
 * @throws {StorageError} when the journal holds another number of items
 */
export async function readMergedItems(
  { path, sizeBytes, counts, itemKeys }: MergedItemsSource,
  onItem: (dataset: string, key: string, item: Item) => void,
): Promise<void> {
  const found: ItemCounts = {};
  const keep = (dataset: string, key: string, item: Item) => {
    found[dataset] = (found[dataset] ?? 0) + 1;
    onItem(dataset, key, item);
  };
  const unseen = new Map([...itemKeys].map(([dataset, keys]) => [dataset, createFirstSight(keys)]));
  const merged = new Map<string, Map<string, Item>>();
  await scanLines(path, sizeBytes, (chunk, start, end) => {
    for (const { dataset, key, item } of readItems(chunk, start, end)) {
      const rule = mergeRule(dataset);
      if (rule !== "first") mergeInto(merged, { dataset, key, item }, rule);
      else if (unseen.get(dataset)?.(key)) keep(dataset, key, item);
    }
  });
  for (const [dataset, items] of merged) for (const [key, item] of items) keep(dataset, key, item);
  for (const [dataset, count] of Object.entries(counts)) {
    if (found[dataset] !== count) {
      throw new StorageError(`${path} holds ${found[dataset] ?? 0} items of ${dataset}, expected ${count}`);
    }
  }
}

/**
 * The items of one dataset of a journal, merged, in the order of first sight. Those of a dataset that keeps the first
 * item come as they are read; others are in memory until the end.
 */
export async function* readJournalItems(
  { path, sizeBytes, itemKeys }: Omit<MergedItemsSource, "counts">,
  dataset: string,
): AsyncGenerator<Item> {
  const rule = mergeRule(dataset);
  const isUnseen = createFirstSight(itemKeys.get(dataset) ?? new Set());
  const merged = new Map<string, Item>();
  let batch: Item[] = [];
  const chunks = scanChunks(path, sizeBytes, (chunk, start, end) => {
    for (const { dataset: name, key, item } of readItems(chunk, start, end)) {
      if (name !== dataset) continue;
      if (rule !== "first") merged.set(key, mergeItem(rule, merged.get(key), item));
      else if (isUnseen(key)) batch.push(item);
    }
  });
  while (!(await chunks.next()).done) {
    const items = batch;
    batch = [];
    yield* items;
  }
  yield* merged.values();
}

/**
 * Tells whether an item is the first of its key, without a second set of all keys: the set is in the order of first
 * sight, so that is so exactly when the key is the next one in it.
 */
function createFirstSight(keys: ReadonlySet<string>): (key: string) => boolean {
  const unseen = keys.values();
  let next = unseen.next();
  return (key) => {
    if (next.done || key !== next.value) return false;
    next = unseen.next();
    return true;
  };
}

function mergeInto(
  merged: Map<string, Map<string, Item>>,
  { dataset, key, item }: PushedItem,
  rule: "merge" | "newest",
): void {
  let items = merged.get(dataset);
  if (!items) merged.set(dataset, (items = new Map()));
  items.set(key, mergeItem(rule, items.get(key), item));
}
