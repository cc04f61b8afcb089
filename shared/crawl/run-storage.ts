/**
 * The contract between the crawl kit and the place where a run's state lives: the local journal of a crawl
 * without a server, or Postgres for managed runs. Fetches are at least once; what this contract does is
 * exactly once.
 */

/** A request as an actor enqueues it. JSON only: it outlives the process. */
export interface NewRequest {
  /** Absolute http(s) URL. */
  url: string;
  /** The request's identity in its queue: a second one with the same key is not added. */
  uniqueKey: string;
  /** Names the handler. */
  label: string;
  userData: Record<string, unknown>;
  /** Higher goes first; equals go first in, first out. @default 0 */
  priority?: number;
}

/** What a claim hands out. It belongs to the claimer until it is committed, reclaimed, or its lease is lost. */
export interface ClaimedRequest extends Required<NewRequest> {
  /** `requestId(uniqueKey)`. */
  id: string;
  /** How often the request was claimed, this time included: the fence of every later call about it. */
  attempt: number;
  /** Retries that counted against the request. */
  retryCount: number;
  /** One message a counted retry, oldest first. */
  errorMessages: string[];
}

export type Item = Record<string, unknown>;

export interface PushedItem {
  dataset: string;
  /** The item's key in its dataset; what a second item with the same key does, the dataset's merge rule says. */
  key: string;
  item: Item;
}

/**
 * What happens to an item whose key the dataset already has, within a run:
 * `first` keeps the one that is there, `merge` lays the new one's fields over it, `newest` replaces it.
 */
export type MergeRule = "first" | "merge" | "newest";

/** All that one attempt of one request did. Stored whole or not at all. */
export interface Commit {
  id: string;
  attempt: number;
  outcome: "handled" | "failed";
  items: PushedItem[];
  children: NewRequest[];
}

/** `done` also for a commit that was already stored; `lost` when another attempt owns the request by now. */
export type CommitResult = "done" | "lost";

export interface Reclaim {
  id: string;
  attempt: number;
  /** Not handed out again before this many milliseconds have passed, restarts included. @default 0 */
  delayMs?: number;
  /** Message of a retry that counts (`retryCount + 1`). Absent: the request is given back as it was. */
  errorMessage?: string;
}

export interface AddResult {
  id: string;
  uniqueKey: string;
  wasAlreadyPresent: boolean;
  wasAlreadyHandled: boolean;
}

/** `total = pending + claimed + delayed + handled + failed`. */
export interface RequestCounts {
  total: number;
  /** Can be claimed now. */
  pending: number;
  /** Handed out and not yet given back. */
  claimed: number;
  /** Wait for their not-before time. */
  delayed: number;
  handled: number;
  failed: number;
}

export interface RunStorage {
  /** Adds what is not there yet; those with `forefront` go before everything, the last call first. */
  addRequests(requests: readonly NewRequest[], options?: { forefront?: boolean }): Promise<AddResult[]>;
  /** Up to `limit` requests: highest priority first, then the oldest; `[]` when none can be claimed now. */
  claimRequests(limit: number): Promise<ClaimedRequest[]>;
  /**
   * Stores each commit whole, in order, and answers in the same order. Where the answer of a call got lost,
   * the same call again is a no-op that answers `done`.
   */
  commitRequests(commits: readonly Commit[]): Promise<CommitResult[]>;
  /** Gives requests back to their old place in the queue; what another attempt owns is left alone. */
  reclaimRequests(reclaims: readonly Reclaim[]): Promise<void>;
  /** True when nothing can be claimed now. Says nothing about delayed or claimed requests. */
  isEmpty(): Promise<boolean>;
  /** True when nothing is pending, delayed, or claimed by anyone. */
  isFinished(): Promise<boolean>;
  /** Milliseconds until the first delayed request can be claimed; `null` when none is delayed. */
  nextReadyInMs(): Promise<number | null>;
  counts(): Promise<RequestCounts>;
  /** Items by dataset, by now: distinct keys. */
  itemCounts(): Promise<Record<string, number>>;
  /**
   * Items of the run as they are committed by now, in the order of the keys; `null` for those that are not there.
   * Only datasets that are marked for it (`lookup`) can be asked.
   */
  getItems(dataset: string, keys: readonly string[]): Promise<(Item | null)[]>;
  /** A key-value record's value, parsed from JSON; `undefined` when absent. */
  getRecord(key: string): Promise<unknown>;
  /** Stores `value` as JSON, atomically; `undefined` deletes the record. Keys: `[a-zA-Z0-9!\-_.'()]{1,256}`. */
  setRecord(key: string, value: unknown): Promise<void>;
  /** Gives everything claimed back, makes all durable and releases the storage. Safe to call twice. */
  close(): Promise<void>;
}

/** The run's storage cannot be used or written. The run ends; what was committed is kept. */
export class StorageError extends Error {
  override name = "StorageError";
}

/** Another version of the program has written the queue. Nothing of it was changed or sent. */
export class UnfitQueueError extends StorageError {
  constructor(queue: string, why: string) {
    super(
      `${queue} was written by another version of this program: ${why}; go on with that version, or start afresh`,
    );
  }
}

/** A managed run is another attempt's by now, or over: what this process did since is void, and it ends. */
export class LostRunError extends StorageError {
  override name = "LostRunError";
}
