import type { Commit, Item, NewRequest, PushedItem } from "../run-storage.ts";
import type { QueueEntry } from "./queue-state.ts";
import { REQUEST_ID_LENGTH } from "./request-id.ts";

/**
 * The lines of a journal. Each is one JSON object. In those that grow large, a raw tab stands in front of each large
 * part: JSON allows it between tokens, and `JSON.stringify` never writes one. What is in front of the first tab is
 * the header, which can be read without the rest:
 *
 *     {"request":"<id>","attempt":1,"outcome":"handled","ids":"<ids of children>","keys":{…}⇥,"children":[…]⇥,"items":{…}}
 *     {"add":"<ids>","forefront":0⇥,"requests":[…]⇥}
 *     {"keys":{…}⇥,"items":{…}}
 *
 * Ids are written one after the other: they have all the same length.
 */
export type JournalHeader =
  | { request: string; attempt: number; outcome: Commit["outcome"]; ids: string; keys: KeysByDataset }
  | { add: string; forefront: number }
  /** Of a compacted journal: the commits that the items came with are among the settled. */
  | { keys: KeysByDataset }
  /** Of a compacted journal: requests that are done with. */
  | { settled: string; attempt: number; outcome: Commit["outcome"] }
  /** Of a compacted journal: requests that are still to be done, oldest first. */
  | { pending: PendingRequest[] }
  | PlainLine;

/** Lines that are small. */
type PlainLine =
  | { reclaim: ReclaimLine }
  | { open: OpenLine }
  /** A process gave everything back and ended. */
  | { close: true };

type KeysByDataset = Record<string, string[]>;

/** A process begins. */
export interface OpenLine {
  /** How many before it ended without a `close`. */
  crashes: number;
  /** Of the journal's lines. Absent: 1, before versions were written. */
  version?: number;
  /** Of what the requests carry, by the actor. Absent: 1. */
  requests?: number;
}

/** Version of these lines: raised with any change that an older program cannot read, or would read wrongly. */
export const JOURNAL_VERSION = 1;

export interface ReclaimLine {
  id: string;
  attempt: number;
  /** Milliseconds since the epoch; absent: at once. */
  notBefore?: number | undefined;
  /** How long before that it was given back. */
  delayMs?: number | undefined;
  /** Absent: the attempt does not count as a retry. */
  errorMessage?: string | undefined;
}

export interface PendingRequest {
  id: string;
  request: NewRequest;
  forefront: number;
  claims: number;
  errorMessages: string[];
  notBefore: number;
  delayMs?: number | undefined;
}

/** A request's id and its JSON text. */
export type RequestText = Pick<QueueEntry, "id" | "json">;

/** By dataset: keys, and the items' JSON texts in the same order. */
export type ItemTexts = Map<string, { keys: string[]; items: string[] }>;

const OPEN_PREFIX = '{"open":';
const COMMIT_PREFIX = '{"request":"';
const ADD_PREFIX = '{"add":"';
const ITEMS_PREFIX = '{"keys":';
const SETTLED_PREFIX = '{"settled":"';
const PREFIXES_OF_PARTS = [COMMIT_PREFIX, ADD_PREFIX, ITEMS_PREFIX];
const TAB = 9;
/** Of a commit's line, behind the id. */
const COMMIT_REST = /^","attempt":(\d+),"outcome":"(handled|failed)"/;
/** Room for the longest match of `COMMIT_REST`. */
const COMMIT_REST_LENGTH = 60;

export function commitLine(
  { id, attempt, outcome }: Pick<Commit, "id" | "attempt" | "outcome">,
  { children, items }: { children: readonly RequestText[]; items: ItemTexts },
): string {
  const head = `${COMMIT_PREFIX}${id}","attempt":${attempt},"outcome":"${outcome}","ids":"${joinIds(children)}"`;
  return `${head},${keysField(items)}\t,"children":${joinTexts(children)}\t,${itemsField(items)}}\n`;
}

export function addLine(requests: readonly RequestText[], forefront: number): string {
  return `${ADD_PREFIX}${joinIds(requests)}","forefront":${forefront}\t,"requests":${joinTexts(requests)}\t}\n`;
}

export function itemsLine(items: ItemTexts): string {
  return `{${keysField(items)}\t,${itemsField(items)}}\n`;
}

export function settledLine(ids: readonly string[], attempt: number, outcome: Commit["outcome"]): string {
  return `${SETTLED_PREFIX}${ids.join("")}","attempt":${attempt},"outcome":"${outcome}"}\n`;
}

export function pendingLine(entries: readonly QueueEntry[]): string {
  const requests = entries.map(({ json, id, forefront, claims, errorMessages, notBefore, delayMs }) => {
    const rest = JSON.stringify({ id, forefront, claims, errorMessages, notBefore, delayMs });
    return `{"request":${json},${rest.slice(1)}`;
  });
  return `{"pending":[${requests.join(",")}]}\n`;
}

export function plainLine(line: PlainLine): string {
  return `${JSON.stringify(line)}\n`;
}

export function addItemText(texts: ItemTexts, dataset: string, key: string, item: string): void {
  let pushed = texts.get(dataset);
  if (!pushed) texts.set(dataset, (pushed = { keys: [], items: [] }));
  pushed.keys.push(key);
  pushed.items.push(item);
}

export function openLine(crashes: number, requests: number): string {
  return plainLine({ open: { crashes, version: JOURNAL_VERSION, requests } });
}

/** What a line says that begins a process; `null` for all others. */
export function readOpen(chunk: Buffer, start: number, end: number): OpenLine | null {
  if (!startsWith(chunk, start, OPEN_PREFIX)) return null;
  return (JSON.parse(chunk.toString("utf8", start, end)) as { open: OpenLine }).open;
}

/** Calls `onSettled` for each request that the line marks as done with. Cheap: parses no commit. */
export function readSettled(
  chunk: Buffer,
  start: number,
  end: number,
  onSettled: (id: string, attempt: number, outcome: Commit["outcome"]) => void,
): void {
  if (startsWith(chunk, start, COMMIT_PREFIX)) {
    const idStart = start + COMMIT_PREFIX.length;
    const idEnd = idStart + REQUEST_ID_LENGTH;
    const rest = COMMIT_REST.exec(chunk.toString("latin1", idEnd, Math.min(end, idEnd + COMMIT_REST_LENGTH)));
    if (!rest) throw new SyntaxError("not a commit");
    onSettled(chunk.toString("latin1", idStart, idEnd), Number(rest[1]), rest[2] as Commit["outcome"]);
  } else if (startsWith(chunk, start, SETTLED_PREFIX)) {
    const line = JSON.parse(chunk.toString("utf8", start, end)) as {
      settled: string;
      attempt: number;
      outcome: Commit["outcome"];
    };
    for (const id of splitIds(line.settled)) onSettled(id, line.attempt, line.outcome);
  }
}

/** The line up to its first tab, and where the next part begins. */
export function readHeader(
  chunk: Buffer,
  start: number,
  end: number,
): { header: JournalHeader; rest: number } {
  const hasParts = PREFIXES_OF_PARTS.some((prefix) => startsWith(chunk, start, prefix));
  if (!hasParts) return { header: JSON.parse(chunk.toString("utf8", start, end)), rest: end };
  const tab = findTab(chunk, start, end);
  return { header: JSON.parse(`${chunk.toString("utf8", start, tab)}}`), rest: tab + 1 };
}

/** The requests of the part that begins at `start`, parsed only when asked for, and where the next part begins. */
export function readRequests(
  chunk: Buffer,
  start: number,
  end: number,
): { parse: () => NewRequest[]; rest: number } {
  const tab = findTab(chunk, start, end);
  return { parse: () => JSON.parse(chunk.toString("utf8", chunk.indexOf("[", start), tab)), rest: tab + 1 };
}

/** The line's items, if it has any. */
export function* readItems(chunk: Buffer, start: number, end: number): Generator<PushedItem> {
  const { header, rest } = readHeader(chunk, start, end);
  if (!("keys" in header) || Object.keys(header.keys).length === 0) return;
  const part = "request" in header ? findTab(chunk, rest, end) + 1 : rest;
  // Behind the comma.
  const { items: itemsByDataset } = JSON.parse(`{${chunk.toString("utf8", part + 1, end)}`) as {
    items: Record<string, Item[]>;
  };
  for (const [dataset, keys] of Object.entries(header.keys)) {
    const items = itemsByDataset[dataset] ?? [];
    if (items.length !== keys.length) {
      throw new SyntaxError(`${items.length} items of ${dataset} for ${keys.length} keys`);
    }
    for (const [index, key] of keys.entries()) yield { dataset, key, item: items[index]! };
  }
}

export function splitIds(ids: string): string[] {
  // Through a buffer, because a slice of a string would keep the whole of it alive.
  const bytes = Buffer.from(ids, "latin1");
  const split: string[] = [];
  for (let at = 0; at < bytes.length; at += REQUEST_ID_LENGTH) {
    split.push(bytes.toString("latin1", at, at + REQUEST_ID_LENGTH));
  }
  return split;
}

function joinIds(requests: readonly RequestText[]): string {
  return requests.map(({ id }) => id).join("");
}

function joinTexts(requests: readonly RequestText[]): string {
  return `[${requests.map(({ json }) => json).join(",")}]`;
}

function keysField(items: ItemTexts): string {
  const fields = [...items].map(([dataset, { keys }]) => `"${dataset}":${JSON.stringify(keys)}`);
  return `"keys":{${fields.join(",")}}`;
}

function itemsField(items: ItemTexts): string {
  const fields = [...items].map(([dataset, pushed]) => `"${dataset}":[${pushed.items.join(",")}]`);
  return `"items":{${fields.join(",")}}`;
}

function findTab(chunk: Buffer, start: number, end: number): number {
  const tab = chunk.indexOf(TAB, start);
  if (tab === -1 || tab >= end) throw new SyntaxError("a part of the line is missing");
  return tab;
}

function startsWith(chunk: Buffer, start: number, prefix: string): boolean {
  return chunk.toString("latin1", start, start + prefix.length) === prefix;
}
