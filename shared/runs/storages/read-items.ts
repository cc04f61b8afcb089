import type { Pool } from "pg";
import type { Item } from "../../crawl/run-storage.ts";
import { type RetryOptions, withRetry } from "../../db/retry.ts";
import type { Dataset } from "./datasets.ts";

export interface ItemRange {
  offset: number;
  /** `null`: all. */
  limit: number | null;
  /** The last one pushed first. */
  desc: boolean;
}

/** Stored items between two places: what is pushed after the window was opened is not in it. */
export interface ItemWindow {
  id: number;
  day: string;
  /** Place of the first item to be read, and of the last one. */
  first: number;
  last: number;
  desc: boolean;
}

/** JSON text of an item, or a part of it. */
export interface ItemText {
  text: string;
  /** The item ends with it. */
  isEnd: boolean;
}

/** So many bytes of items are in memory at a time, of one reader. */
const BATCH_BYTES = 256 * 1024;
/**
 * Signs of one part of a larger item, by how many read such items by then. Each part costs the database as much as all of
 * it, so the first readers get it as a whole, as a rule; the more there are, the less each has in memory.
 */
const PART_CHARS = [
  { readers: 4, chars: 16 * 1024 * 1024 },
  { readers: 16, chars: 2 * 1024 * 1024 },
  { readers: Infinity, chars: 256 * 1024 },
];

let largeReaders = 0;

/** A reader waits so long for a database that is away. */
const PATIENCE = { maxMs: 10_000 };

/** Items in the order of first sight; `null` when there are none in the range. */
export async function openWindow(
  pool: Pool,
  { stored }: Pick<Dataset, "stored">,
  { offset, limit, desc }: ItemRange,
  patience: RetryOptions = PATIENCE,
): Promise<ItemWindow | null> {
  if (!stored || limit === 0) return null;
  const { id, day } = stored;
  const { rows } = await withRetry(
    () =>
      pool.query<{ first: number | null; last: number }>(
        `select nth_place($1, $2, $3, $4) as first,
          coalesce(nth_place($1, $2, $5, $4), nth_place($1, $2, 0, not $4)) as last`,
        [day, id, offset, desc, limit === null ? null : offset + limit - 1],
      ),
    patience,
  );
  const { first, last } = rows[0]!;
  return first === null ? null : { id, day, first, last, desc };
}

/**
 * Items as JSON, some at a time; a large one comes in parts, as the database writes it. Each batch is a statement of its own,
 * so a slow reader holds no connection, and has little in memory.
 * @throws {Error} when the items are removed or changed meanwhile: what was read is not all
 */
export async function* readItemTexts(pool: Pool, window: ItemWindow | null): AsyncGenerator<ItemText[]> {
  for await (const { texts, large } of readBatches(pool, window)) {
    // Without the blanks that the database writes.
    if (texts.length) yield texts.map((text) => ({ text: JSON.stringify(JSON.parse(text)), isEnd: true }));
    if (large) yield* readLarge(pool, window!, large);
  }
}

/** An item, and how long its JSON is. */
export interface SizedItem {
  item: Item;
  size: number;
}

/**
 * The same as objects, some at a time, or one that is large.
 * @throws {Error} as `readItemTexts`
 */
export async function* readSizedItems(
  pool: Pool,
  window: ItemWindow | null,
  patience: RetryOptions = PATIENCE,
): AsyncGenerator<SizedItem[]> {
  for await (const { texts, large } of readBatches(pool, window, patience)) {
    if (texts.length) yield texts.map(toSizedItem);
    if (large) yield [toSizedItem((await readPart(pool, window!, large, null, patience)).text)];
  }
}

/** As `readSizedItems`, without their sizes. */
export async function* readItemPages(
  pool: Pool,
  window: ItemWindow | null,
  patience: RetryOptions = PATIENCE,
): AsyncGenerator<Item[]> {
  for await (const items of readSizedItems(pool, window, patience)) yield items.map(({ item }) => item);
}

function toSizedItem(text: string): SizedItem {
  return { item: JSON.parse(text) as Item, size: text.length };
}

/** An item whose size alone is known. */
interface LargeItem {
  place: number;
  size: number;
}

interface Batch {
  texts: string[];
  /** What comes after them. */
  large: LargeItem | null;
}

async function* readBatches(
  pool: Pool,
  window: ItemWindow | null,
  patience: RetryOptions = PATIENCE,
): AsyncGenerator<Batch> {
  if (!window) return;
  const { id, day, first, last, desc } = window;
  const step = desc ? -1 : 1;
  for (let at = first; (last - at) * step >= 0;) {
    const { rows } = await withRetry(
      () =>
        pool.query<{ place: number; size: number; item: string | null }>(
          "select place, item, size from read_item_texts($1, $2, $3, $4, $5, $6)",
          [day, id, at, last, desc, BATCH_BYTES],
        ),
      patience,
    );
    const end = rows.at(-1);
    if (!end) throw new Error(`items of dataset ${id} were removed while they were read`);
    yield {
      texts: rows.flatMap(({ item }) => item ?? []),
      large: end.item === null ? { place: end.place, size: end.size } : null,
    };
    at = end.place + step;
  }
}

async function* readLarge(pool: Pool, window: ItemWindow, item: LargeItem): AsyncGenerator<ItemText[]> {
  const { chars } = PART_CHARS.find(({ readers }) => largeReaders < readers)!;
  largeReaders++;
  try {
    let version: string | null = null;
    for (let from = 1, isEnd = false; !isEnd; from += chars) {
      const part = await readPart(pool, window, item, { from, chars });
      if (part.version !== (version ??= part.version))
        throw new Error(`an item of dataset ${window.id} was changed while it was read`);
      isEnd = part.isEnd;
      yield [{ text: part.text, isEnd }];
    }
  } finally {
    largeReaders--;
  }
}

/** @param part its first sign, from 1, and how many there are at the most; `null`: all of it */
async function readPart(
  pool: Pool,
  { id, day }: ItemWindow,
  { place }: LargeItem,
  part: { from: number; chars: number } | null,
  patience: RetryOptions = PATIENCE,
): Promise<ItemText & { version: string }> {
  const { rows } = await withRetry(
    () =>
      pool.query<ItemText & { version: string }>(
        `select coalesce(substring(item from $4::integer for $5::integer), item) as text,
          coalesce(length(item) < $4::integer + $5::integer, true) as "isEnd", version
        from (
          select item::text as item, xmin::text as version from dataset_items
          where day = $1 and dataset_id = $2 and place = $3 offset 0
        ) i`,
        [day, id, place, part?.from ?? null, part?.chars ?? null],
      ),
    patience,
  );
  if (!rows[0]) throw new Error(`items of dataset ${id} were removed while they were read`);
  return rows[0];
}
