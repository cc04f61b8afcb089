import { type Item, type NewRequest, type PushedItem, UnfitQueueError } from "../run-storage.ts";
import {
  JOURNAL_VERSION,
  readHeader,
  readItems,
  readOpen,
  readRequests,
  readSettled,
  splitIds,
} from "./journal-lines.ts";
import type { JournalHeader, ReclaimLine } from "./journal-lines.ts";
import { isLookup, mergeItem, mergeRule } from "./merged-items.ts";
import { addEntry, giveBackEntry, toSettled } from "./queue-state.ts";
import type { QueueState } from "./queue-state.ts";
import { scanLines } from "./scan-lines.ts";

/** Distinct keys by dataset, in the order of first sight. */
export type ItemKeys = Map<string, Set<string>>;

/** Items by dataset. */
export type ItemCounts = Record<string, number>;

/** Merged items of the datasets that can be asked, by dataset and key. */
export type Lookups = Map<string, Map<string, Item>>;

export interface Replayed {
  state: QueueState;
  itemKeys: ItemKeys;
  lookups: Lookups;
  /** Bytes of items, and how many items they are: those that came twice included. */
  itemBytes: number;
  items: number;
  /** Of what the requests carry; `null` when no process has begun it. */
  requestVersion: number | null;
  /** The last process that had it gave everything back. */
  isClosed: boolean;
}

/**
 * Reads a journal of `sizeBytes` back. Twice: first which requests are done with, so that only the others are kept
 * as they come by. A million handled requests cost their ids.
 * @throws {StorageError} naming file and line of any damage
 * @throws {UnfitQueueError} when its lines are of another version
 */
export async function replayJournal(path: string, sizeBytes: number): Promise<Replayed> {
  const state: QueueState = { entries: new Map(), settled: new Map(), crashes: 0, added: 0, forefronts: 0 };
  const replayed: Replayed = {
    state,
    itemKeys: new Map(),
    lookups: new Map(),
    itemBytes: 0,
    items: 0,
    requestVersion: null,
    isClosed: true,
  };
  await scanLines(path, sizeBytes, (chunk, start, end) => {
    const open = readOpen(chunk, start, end);
    if (open) {
      assertJournalVersion(path, open.version);
      replayed.requestVersion = open.requests ?? 1;
    }
    readSettled(chunk, start, end, (id, attempt, outcome) => {
      if (state.settled.has(id)) throw new SyntaxError(`request ${id} is committed for a second time`);
      state.settled.set(id, toSettled(attempt, outcome));
    });
  });
  await scanLines(path, sizeBytes, (chunk, start, end) => {
    replayed.isClosed = "close" in replayLine(replayed, chunk, start, end);
  });
  if (!replayed.isClosed) state.crashes++;
  return replayed;
}

function assertJournalVersion(path: string, version: number = 1): void {
  if (version === JOURNAL_VERSION) return;
  throw new UnfitQueueError(
    path,
    `its lines are of version ${JSON.stringify(version)}, this one reads ${JOURNAL_VERSION}`,
  );
}

/** Counts `keys` as seen. */
export function addItemKeys(itemKeys: ItemKeys, dataset: string, keys: readonly string[]): void {
  let seen = itemKeys.get(dataset);
  if (!seen) itemKeys.set(dataset, (seen = new Set()));
  for (const key of keys) seen.add(key);
}

/** Merges an item into its dataset, where that can be asked. */
export function addLookup(lookups: Lookups, { dataset, key, item }: PushedItem): void {
  if (!isLookup(dataset)) return;
  let items = lookups.get(dataset);
  if (!items) lookups.set(dataset, (items = new Map()));
  items.set(key, mergeItem(mergeRule(dataset), items.get(key), item));
}

export function countItems(itemKeys: ItemKeys): ItemCounts {
  return Object.fromEntries([...itemKeys].map(([dataset, keys]) => [dataset, keys.size]));
}

function replayLine(replayed: Replayed, chunk: Buffer, start: number, end: number): JournalHeader {
  const { state } = replayed;
  const { header, rest } = readHeader(chunk, start, end);
  if ("request" in header) {
    const { parse, rest: items } = readRequests(chunk, rest, end);
    replayRequests(state, splitIds(header.ids), 0, parse);
    replayKeys(replayed, header.keys, end - items);
    replayLookups(replayed, header.keys, () => readItems(chunk, start, end));
  } else if ("keys" in header) {
    replayKeys(replayed, header.keys, end - rest);
    replayLookups(replayed, header.keys, () => readItems(chunk, start, end));
  } else if ("add" in header) {
    const { parse } = readRequests(chunk, rest, end);
    replayRequests(state, splitIds(header.add), header.forefront, parse);
  } else if ("pending" in header) {
    for (const { request, ...entry } of header.pending) addEntry(state, { ...toFields(request), ...entry });
  } else if ("reclaim" in header) {
    replayReclaim(state, header.reclaim);
  } else if ("open" in header) {
    state.crashes = header.open.crashes;
  } else if (!("close" in header || "settled" in header)) {
    throw new SyntaxError(
      `a line of no kind that this version knows: ${JSON.stringify(header).slice(0, 100)}`,
    );
  }
  return header;
}

function replayRequests(
  state: QueueState,
  ids: readonly string[],
  forefront: number,
  parse: () => NewRequest[],
): void {
  // Most are done with, and parsing them is most of the work.
  if (ids.every((id) => state.settled.has(id))) return;
  const requests = parse();
  if (requests.length !== ids.length) {
    throw new SyntaxError(`${requests.length} requests for ${ids.length} ids`);
  }
  for (const [index, request] of requests.entries()) {
    addEntry(state, { id: ids[index]!, forefront, ...toFields(request) });
  }
}

function replayReclaim(state: QueueState, reclaim: ReclaimLine): void {
  const entry = state.entries.get(reclaim.id);
  if (entry) giveBackEntry(state, entry, reclaim);
  else if (!state.settled.has(reclaim.id)) throw new SyntaxError(`request ${reclaim.id} was never added`);
}

function replayKeys(replayed: Replayed, keysByDataset: Record<string, string[]>, bytes: number): void {
  replayed.itemBytes += bytes;
  for (const [dataset, keys] of Object.entries(keysByDataset)) {
    addItemKeys(replayed.itemKeys, dataset, keys);
    replayed.items += keys.length;
  }
}

/** Parses a line's items only where one of their datasets can be asked. */
function replayLookups(
  { lookups }: Replayed,
  keysByDataset: Record<string, string[]>,
  read: () => Iterable<PushedItem>,
): void {
  if (!Object.keys(keysByDataset).some(isLookup)) return;
  for (const pushed of read()) addLookup(lookups, pushed);
}

function toFields(request: NewRequest): { json: string; priority: number } {
  return { json: JSON.stringify(request), priority: request.priority ?? 0 };
}
