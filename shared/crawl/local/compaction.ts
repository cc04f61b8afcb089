import { closeSync, fdatasyncSync, openSync, renameSync, statSync, writeFileSync } from "node:fs";
import { addItemText, itemsLine, openLine, pendingLine, plainLine, settledLine } from "./journal-lines.ts";
import type { ItemTexts } from "./journal-lines.ts";
import { readMergedItems } from "./merged-items.ts";
import { fromSettled } from "./queue-state.ts";
import type { QueueEntry, QueueState } from "./queue-state.ts";
import { countItems } from "./replay.ts";
import type { Replayed } from "./replay.ts";
import { REQUEST_ID_LENGTH } from "./request-id.ts";
import { toStorageError } from "./storage-failure.ts";

/** Smaller journals are read in no time. */
const WORTH_BYTES = 16 * 1024 * 1024;
const IDS_A_LINE = 4096;
const REQUESTS_A_LINE = 500;
const ITEMS_A_LINE = 200;

/** True for a large journal of which less than a quarter would stay: then writing costs less than reading did. */
export function isWorthCompacting(
  sizeBytes: number,
  { state, itemKeys, itemBytes, items }: Replayed,
): boolean {
  if (sizeBytes <= WORTH_BYTES) return false;
  let keptBytes = state.settled.size * REQUEST_ID_LENGTH;
  for (const entry of state.entries.values()) keptBytes += entry.json.length;
  let distinctItems = 0;
  for (const keys of itemKeys.values()) distinctItems += keys.size;
  if (items > 0) keptBytes += (itemBytes * distinctItems) / items;
  return keptBytes < sizeBytes / 4;
}

/**
 * Rewrites a journal with only what still counts: ids of requests that are done with, the others whole, items merged.
 * The new file takes the old one's name when it is complete, so there is one or the other at any moment.
 * @returns the new size in bytes
 * @throws {StorageError} when it cannot be written, or the old one is damaged; the old one is still there
 */
export async function compactJournal(path: string, sizeBytes: number, replayed: Replayed): Promise<number> {
  const temporary = unfinishedPath(path);
  const { state, itemKeys, requestVersion } = replayed;
  try {
    const file = openSync(temporary, "w");
    const write = (line: string): void => writeFileSync(file, line);
    try {
      write(openLine(state.crashes, requestVersion ?? 1));
      writeSettled(state, write);
      writePending(state, write);
      const items = batchItems(write);
      await readMergedItems({ path, sizeBytes, counts: countItems(itemKeys), itemKeys }, items.add);
      items.flush();
      // Nobody holds a claim while a journal is compacted.
      write(plainLine({ close: true }));
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    throw toStorageError(`cannot compact ${path}`, cause);
  }
  return statSync(path).size;
}

/** What a compaction writes to; a killed one leaves it behind. */
export function unfinishedPath(path: string): string {
  return `${path}.new`;
}

function writeSettled({ settled }: QueueState, write: (line: string) => void): void {
  const batches = new Map<number, string[]>();
  const flush = (value: number, ids: string[]): void => {
    const { attempt, outcome } = fromSettled(value);
    write(settledLine(ids.splice(0), attempt, outcome));
  };
  for (const [id, value] of settled) {
    let ids = batches.get(value);
    if (!ids) batches.set(value, (ids = []));
    ids.push(id);
    if (ids.length === IDS_A_LINE) flush(value, ids);
  }
  for (const [value, ids] of batches) if (ids.length > 0) flush(value, ids);
}

function writePending({ entries }: QueueState, write: (line: string) => void): void {
  const batch: QueueEntry[] = [];
  for (const entry of entries.values()) {
    batch.push(entry);
    if (batch.length === REQUESTS_A_LINE) write(pendingLine(batch.splice(0)));
  }
  if (batch.length > 0) write(pendingLine(batch));
}

function batchItems(write: (line: string) => void): {
  add(dataset: string, key: string, item: object): void;
  flush(): void;
} {
  let batch: ItemTexts = new Map();
  let count = 0;
  const flush = (): void => {
    if (count > 0) write(itemsLine(batch));
    batch = new Map();
    count = 0;
  };
  return {
    add(dataset, key, item) {
      addItemText(batch, dataset, key, JSON.stringify(item));
      if (++count === ITEMS_A_LINE) flush();
    },
    flush,
  };
}
