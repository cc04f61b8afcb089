import { StorageError } from "../run-storage.ts";
import type {
  AddResult,
  ClaimedRequest,
  Commit,
  CommitResult,
  Item,
  NewRequest,
  Reclaim,
  RequestCounts,
} from "../run-storage.ts";
import { writeDatasetFolders } from "./dataset-folders.ts";
import { datasetsFolder, recordsFolder } from "./folders.ts";
import type { Decision, Journal } from "./journal.ts";
import { addItemText, addLine, commitLine, plainLine } from "./journal-lines.ts";
import type { ItemTexts, ReclaimLine, RequestText } from "./journal-lines.ts";
import { toDatabaseJson } from "../postgres/database-json.ts";
import { toJson } from "./json.ts";
import type { LocalRunStorage } from "./local-run-storage.ts";
import { isLookup, mergeRule } from "./merged-items.ts";
import type { MergedItemsSource } from "./merged-items.ts";
import { Records } from "./records.ts";
import { addItemKeys, addLookup, countItems } from "./replay.ts";
import type { ItemCounts, ItemKeys, Lookups } from "./replay.ts";
import { requestId } from "./request-id.ts";
import type { RequestQueue } from "./request-queue.ts";

/** Requests of one added line. */
const REQUESTS_A_LINE = 500;

export interface OpenedJournal {
  path: string;
  journal: Journal;
  queue: RequestQueue;
  itemKeys: ItemKeys;
  lookups: Lookups;
  notes: string[];
}

interface JournalRunStorageOptions extends OpenedJournal {
  storageDir: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Gives the lock back. */
  release: () => Promise<void>;
}

/** Decides each call against the queue in memory, writes its line, and only then changes the queue. */
export class JournalRunStorage implements LocalRunStorage {
  readonly notes: readonly string[];
  readonly #options: JournalRunStorageOptions;
  readonly #journal: Journal;
  readonly #queue: RequestQueue;
  readonly #itemKeys: ItemKeys;
  readonly #lookups: Lookups;
  readonly #records: Records;
  #datasetsWritten: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;

  constructor(options: JournalRunStorageOptions) {
    this.notes = options.notes;
    this.#options = options;
    this.#journal = options.journal;
    this.#queue = options.queue;
    this.#queue.limitDelays(options.now());
    this.#itemKeys = options.itemKeys;
    this.#lookups = options.lookups;
    this.#records = new Records(recordsFolder(options.storageDir));
  }

  async addRequests(requests: readonly NewRequest[], { forefront = false } = {}): Promise<AddResult[]> {
    this.#assertOpen();
    const texts = requests.map(toNewEntry);
    return this.#journal.run({ decide: () => this.#decideAdd(texts, forefront) });
  }

  async claimRequests(limit: number): Promise<ClaimedRequest[]> {
    this.#assertOpen();
    return this.#queue.claim(limit, this.#options.now());
  }

  async commitRequests(commits: readonly Commit[]): Promise<CommitResult[]> {
    this.#assertOpen();
    const texts = commits.map(toCommitTexts);
    return Promise.all(
      texts.map((commit) => this.#journal.run({ id: commit.id, decide: () => this.#decideCommit(commit) })),
    );
  }

  async reclaimRequests(reclaims: readonly Reclaim[]): Promise<void> {
    this.#assertOpen();
    const lines = reclaims.map((reclaim) => toReclaimLine(reclaim, this.#options.now()));
    await this.#giveBack(lines);
  }

  async isEmpty(): Promise<boolean> {
    return this.#queue.counts(this.#options.now()).pending === 0;
  }

  async isFinished(): Promise<boolean> {
    const { pending, claimed, delayed } = this.#queue.counts(this.#options.now());
    return pending + claimed + delayed === 0;
  }

  async nextReadyInMs(): Promise<number | null> {
    return this.#queue.nextReadyIn(this.#options.now());
  }

  async counts(): Promise<RequestCounts> {
    return this.#queue.counts(this.#options.now());
  }

  async itemCounts(): Promise<ItemCounts> {
    return countItems(this.#itemKeys);
  }

  async getItems(dataset: string, keys: readonly string[]): Promise<(Item | null)[]> {
    if (!isLookup(dataset))
      throw new StorageError(`dataset ${dataset} cannot be asked: it is not marked lookup`);
    const items = this.#lookups.get(dataset);
    return keys.map((key) => items?.get(key) ?? null);
  }

  async getRecord(key: string): Promise<unknown> {
    return this.#records.get(key);
  }

  async setRecord(key: string, value: unknown): Promise<void> {
    this.#assertOpen();
    await this.#records.set(key, value);
  }

  async writeDatasets(): Promise<ItemCounts> {
    this.#assertOpen();
    const written = this.#datasetsWritten.then(async () =>
      writeDatasetFolders(datasetsFolder(this.#options.storageDir), await this.#itemsSoFar()),
    );
    // Its own caller hears of a failure; the next call waits for its turn only.
    this.#datasetsWritten = written.catch(() => undefined);
    return written;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([this.#records.settled(), this.#datasetsWritten]);
      await this.#giveBack(this.#queue.releases());
      await this.#journal.write(plainLine({ close: true }));
    } finally {
      await this.#journal.close().finally(this.#options.release);
    }
  }

  async #giveBack(reclaims: readonly ReclaimLine[]): Promise<void> {
    await Promise.all(
      reclaims.map((reclaim) =>
        this.#journal.run({ id: reclaim.id, decide: () => this.#decideGiveBack(reclaim) }),
      ),
    );
  }

  #decideAdd(requests: readonly NewEntry[], forefront: boolean): Decision<AddResult[]> {
    const turn = forefront ? this.#queue.takeForefront() : 0;
    const unseen = requests.filter(({ id }) => !this.#queue.has(id));
    const lines: string[] = [];
    for (let at = 0; at < unseen.length; at += REQUESTS_A_LINE) {
      lines.push(addLine(unseen.slice(at, at + REQUESTS_A_LINE), turn));
    }
    const apply = (): AddResult[] =>
      requests.map(({ id, uniqueKey, json, priority }) => ({
        id,
        uniqueKey,
        wasAlreadyPresent: !this.#queue.add({ id, json, priority, forefront: turn }),
        wasAlreadyHandled: this.#queue.isSettled(id),
      }));
    return { lines, apply };
  }

  #decideCommit(commit: CommitTexts): Decision<CommitResult> {
    const standing = this.#queue.standing(commit.id, commit.attempt);
    if (standing !== "owned") return { lines: [], apply: () => standing };
    // What the queue and the datasets have for good need not be written again.
    const children = commit.children.filter(({ id }) => !this.#queue.has(id));
    const items: ItemTexts = new Map();
    for (const { dataset, key, json } of commit.items) {
      const isKept = mergeRule(dataset) === "first" && this.#itemKeys.get(dataset)?.has(key);
      if (!isKept) addItemText(items, dataset, key, json);
    }
    const apply = (): CommitResult => {
      this.#queue.settle(commit.id, commit.attempt, commit.outcome);
      for (const { id, json, priority } of children) this.#queue.add({ id, json, priority, forefront: 0 });
      for (const [dataset, { keys, items: texts }] of items) {
        addItemKeys(this.#itemKeys, dataset, keys);
        if (!isLookup(dataset)) continue;
        // From the text: what the caller does with its object afterwards changes nothing.
        for (const [i, key] of keys.entries()) {
          addLookup(this.#lookups, { dataset, key, item: JSON.parse(texts[i]!) as Item });
        }
      }
      return "done";
    };
    return { lines: [commitLine(commit, { children, items })], apply };
  }

  #decideGiveBack(reclaim: ReclaimLine): Decision<void> {
    const isOwned = this.#queue.standing(reclaim.id, reclaim.attempt) === "owned";
    if (!isOwned) return { lines: [], apply: () => undefined };
    return { lines: [plainLine({ reclaim })], apply: () => this.#queue.giveBack(reclaim) };
  }

  /** A step of its own, because only between writes do journal and counts agree. */
  #itemsSoFar(): Promise<MergedItemsSource> {
    const decide = (): Decision<MergedItemsSource> => {
      const source: MergedItemsSource = {
        path: this.#options.path,
        sizeBytes: this.#journal.sizeBytes,
        counts: countItems(this.#itemKeys),
        itemKeys: this.#itemKeys,
      };
      return { lines: [], apply: () => source };
    };
    return this.#journal.run({ decide });
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageError(`${this.#options.path} is closed`);
  }
}

interface NewEntry extends RequestText {
  uniqueKey: string;
  priority: number;
}

interface CommitTexts extends Pick<Commit, "id" | "attempt" | "outcome"> {
  children: NewEntry[];
  items: { dataset: string; key: string; json: string }[];
}

/** All texts are made when a call comes: what the caller does with its objects afterwards changes nothing. */
function toNewEntry({ url, uniqueKey, label, userData, priority = 0 }: NewRequest): NewEntry {
  const request = { url, uniqueKey, label, userData, priority: priority === 0 ? undefined : priority };
  return { id: requestId(uniqueKey), uniqueKey, json: toJson(request, `request ${uniqueKey}`), priority };
}

/** @throws for an unknown dataset, and for what is not plain JSON */
function toCommitTexts({ id, attempt, outcome, children, items }: Commit): CommitTexts {
  return {
    id,
    attempt,
    outcome,
    children: children.map(toNewEntry),
    items: items.map(({ dataset, key, item }) => {
      mergeRule(dataset);
      // As on the database: a crawl's items are the same wherever it runs.
      return { dataset, key, json: toDatabaseJson(item, `item ${key} of ${dataset}`) };
    }),
  };
}

function toReclaimLine({ id, attempt, delayMs = 0, errorMessage }: Reclaim, now: number): ReclaimLine {
  // JSON has no infinity: after a restart the request would be ready at once.
  if (!Number.isFinite(delayMs)) {
    throw new TypeError(`delayMs of request ${id}: expected milliseconds, got ${delayMs}`);
  }
  if (delayMs <= 0) return { id, attempt, errorMessage };
  return { id, attempt, errorMessage, notBefore: now + delayMs, delayMs };
}
