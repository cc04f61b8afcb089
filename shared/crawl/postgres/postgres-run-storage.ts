import { randomUUID } from "node:crypto";
import os from "node:os";
import type { Pool } from "pg";
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { withRetry } from "../../db/retry.ts";
import { isLookup, mergeRule } from "../local/merged-items.ts";
import { assertRequestVersion, FitCheck, type QueueFit } from "../queue-fit.ts";
import { LostRunError, StorageError } from "../run-storage.ts";
import type {
  AddResult,
  ClaimedRequest,
  Commit,
  CommitResult,
  Item,
  NewRequest,
  Reclaim,
  RequestCounts,
  RunStorage,
} from "../run-storage.ts";
import { callFunction, callWrite, type Fence } from "./calls.ts";
import { cleanJson, toDatabaseJson } from "./database-json.ts";
import { PostgresRecords } from "./postgres-records.ts";

export interface PostgresRunStorageOptions {
  database: Pick<Database, "pool">;
  /** Of a row in `runs`. */
  runId: string;
  /** Who claims, unlike everybody else. @default host, process and a random part */
  owner?: string;
  /** How long a claim outlives its process. Renewed at a third of it while the process lives. @default 30 */
  leaseSecs?: number;
  /**
   * Of a managed run: the attempt in `runs` that this process is. It is the run's only process, so what an earlier
   * attempt had claimed is free at once; every write happens only while the run is this attempt's.
   */
  attempt?: number | null;
  /** What its requests must fit. @default they are not looked at */
  fit?: QueueFit | undefined;
}

/** Requests of one call: a start with a hundred thousand must not be one statement. */
const REQUESTS_A_CALL = 1_000;
/** Of those that are looked at when a queue is opened. */
const REQUESTS_A_PAGE = 500;

/**
 * A run's storage in Postgres, which any number of processes open at once: each call is one SQL function of
 * `migrations/`. While the database is away calls wait for it, up to five minutes.
 * @throws {StorageError} when there is no such run
 * @throws {UnfitQueueError} when another version has written its requests; then they are as they were
 * @throws {LostRunError} when `attempt` does not have the run; later every call that writes may throw it
 */
export async function openPostgresRunStorage({
  database,
  runId,
  owner = `${os.hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`,
  leaseSecs = 30,
  attempt = null,
  fit,
}: PostgresRunStorageOptions): Promise<RunStorage> {
  const { pool } = database;
  const { rows } = await withRetry(() =>
    pool.query<{ number: number }>("select number from runs where id = $1", [runId]),
  );
  if (!rows[0]) throw new StorageError(`run ${JSON.stringify(runId)}: there is no such run`);
  const runNumber = rows[0].number;
  const fence = attempt === null ? null : { runId, attempt };
  if (fit) await assertFits(pool, fence, { runId, runNumber, fit });
  if (fence) await callWrite(pool, fence, "release_requests", [runNumber]);
  return new PostgresRunStorage({ pool, runId, owner, leaseSecs, runNumber, fence });
}

async function assertFits(
  pool: Pool,
  fence: Fence | null,
  { runId, runNumber, fit }: { runId: string; runNumber: number; fit: QueueFit },
): Promise<void> {
  const queue = `the queue of run ${runId}`;
  const version = await callWrite<number>(pool, fence, "open_requests", [runNumber, fit.requestVersion]);
  assertRequestVersion(version, fit, queue);
  const check = new FitCheck(fit, queue);
  for (let after: string | undefined = ""; after !== undefined;) {
    const page: (NewRequest & { id: string })[] = await callFunction(pool, "pending_requests", [
      runNumber,
      after,
      REQUESTS_A_PAGE,
    ]);
    for (const request of page) check.add(request);
    after = page.length < REQUESTS_A_PAGE ? undefined : page.at(-1)!.id;
  }
  check.assertFit();
}

interface Options extends Required<Pick<PostgresRunStorageOptions, "runId" | "owner" | "leaseSecs">> {
  pool: Pool;
  runNumber: number;
  fence: Fence | null;
}

class PostgresRunStorage implements RunStorage {
  readonly #options: Options;
  readonly #records: PostgresRecords;
  /** Attempt by id, of what this storage has claimed. */
  readonly #claimed = new Map<string, number>();
  readonly #claims = new Set<Promise<unknown>>();
  readonly #renewal: NodeJS.Timeout;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** After which no call can succeed: the run is lost, or the database has been away for too long. */
  #failure: StorageError | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#records = new PostgresRecords(options.pool, options.runId, options.fence);
    this.#renewal = setInterval(() => void this.#renew(), (options.leaseSecs * 1000) / 3).unref();
  }

  async addRequests(requests: readonly NewRequest[], { forefront = false } = {}): Promise<AddResult[]> {
    this.#assertUsable();
    const texts = requests.map(toRequestJson);
    return this.#inTurn(async () => {
      const results: AddResult[] = [];
      // One call with `forefront` is one turn: in parts, the last part would go first.
      const size = forefront ? texts.length : REQUESTS_A_CALL;
      for (let at = 0; at < texts.length; at += size) {
        const part = toArrayJson(texts.slice(at, at + size));
        results.push(...(await this.#write<AddResult[]>("add_requests", part, forefront)));
      }
      return results;
    });
  }

  async claimRequests(limit: number): Promise<ClaimedRequest[]> {
    this.#assertUsable();
    const { owner, leaseSecs } = this.#options;
    const claim = this.#write<ClaimedRequest[]>("claim_requests", owner, limit, leaseSecs);
    this.#claims.add(claim);
    try {
      const claimed = await claim;
      for (const { id, attempt } of claimed) this.#claimed.set(id, attempt);
      return claimed;
    } finally {
      this.#claims.delete(claim);
    }
  }

  async commitRequests(commits: readonly Commit[]): Promise<CommitResult[]> {
    this.#assertUsable();
    const json = toArrayJson(commits.map(toCommitJson));
    return this.#inTurn(async () => {
      const results = await this.#write<CommitResult[]>("commit_requests", this.#options.owner, json);
      this.#letGo(commits);
      return results;
    });
  }

  async reclaimRequests(reclaims: readonly Reclaim[]): Promise<void> {
    this.#assertUsable();
    await this.#giveBack(reclaims);
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#state()).isEmpty;
  }

  async isFinished(): Promise<boolean> {
    return (await this.#state()).isFinished;
  }

  async nextReadyInMs(): Promise<number | null> {
    return (await this.#state()).nextReadyInMs;
  }

  counts(): Promise<RequestCounts> {
    return this.#read("count_requests");
  }

  itemCounts(): Promise<Record<string, number>> {
    return this.#read("count_items");
  }

  async getItems(dataset: string, keys: readonly string[]): Promise<(Item | null)[]> {
    if (!isLookup(dataset))
      throw new StorageError(`dataset ${dataset} cannot be asked: it is not marked lookup`);
    return this.#read("get_items", dataset, keys);
  }

  getRecord(key: string): Promise<unknown> {
    return this.#records.get(key);
  }

  async setRecord(key: string, value: unknown): Promise<void> {
    this.#assertUsable();
    await this.#records.set(key, value);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#claims, this.#records.settled()]);
    try {
      await this.#giveBack([...this.#claimed].map(([id, attempt]) => ({ id, attempt })));
    } catch (error) {
      // Then the run's new attempt has it already, or the end of the leases gives it back.
      if (error !== this.#failure) throw error;
    } finally {
      clearInterval(this.#renewal);
    }
  }

  async #giveBack(reclaims: readonly Reclaim[]): Promise<void> {
    const json = toArrayJson(reclaims.map(toReclaimJson));
    await this.#inTurn(async () => {
      await this.#write("reclaim_requests", this.#options.owner, json);
      this.#letGo(reclaims);
    });
  }

  /** Settled, or another attempt's: nothing of it is to be renewed. */
  #letGo(attempts: readonly { id: string; attempt: number }[]): void {
    for (const { id, attempt } of attempts) if (this.#claimed.get(id) === attempt) this.#claimed.delete(id);
  }

  async #renew(): Promise<void> {
    const held = [...this.#claimed].map(([id, attempt]) => ({ id, attempt }));
    if (held.length === 0) return;
    const { owner, leaseSecs } = this.#options;
    try {
      const ids = held.map(({ id }) => id);
      const renewed = new Set(await this.#write<string[]>("renew_leases", owner, ids, leaseSecs));
      this.#letGo(held.filter(({ id }) => !renewed.has(id)));
    } catch (error) {
      // Nobody awaits a renewal: the next call says it.
      this.#failure ??= error as StorageError;
    }
  }

  #state(): Promise<{ isEmpty: boolean; isFinished: boolean; nextReadyInMs: number | null }> {
    return this.#read("queue_state");
  }

  /** Writes happen in the order of their calls, whichever connection each of them gets. */
  #inTurn<Result>(write: () => Promise<Result>): Promise<Result> {
    const result = this.#lastWrite.then(write);
    // Its own caller hears of a failure.
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  /** Calls one of the functions that take the run's number first. Each of them may be called twice. */
  #read<Result>(name: string, ...values: unknown[]): Promise<Result> {
    const { pool, runNumber } = this.#options;
    return this.#named(name, () => callFunction(pool, name, [runNumber, ...values]));
  }

  #write<Result>(name: string, ...values: unknown[]): Promise<Result> {
    const { pool, runNumber, fence } = this.#options;
    return this.#named(name, () => callWrite(pool, fence, name, [runNumber, ...values]));
  }

  async #named<Result>(name: string, call: () => Promise<Result>): Promise<Result> {
    if (this.#failure) throw this.#failure;
    try {
      return await call();
    } catch (cause) {
      if (cause instanceof LostRunError) throw (this.#failure ??= cause);
      const failure = new StorageError(`${name} of run ${this.#options.runId}: ${(cause as Error).message}`, {
        cause,
      });
      if (cause instanceof DatabaseError) this.#failure ??= failure;
      throw failure;
    }
  }

  #assertUsable(): void {
    if (this.#closed) throw new StorageError(`run ${this.#options.runId} is closed here`);
  }
}

/** All texts are made when a call comes: what the caller does with its objects afterwards changes nothing. */
function toRequestJson({ url, uniqueKey, label, userData, priority = 0 }: NewRequest): string {
  return toDatabaseJson({ url, uniqueKey, label, userData, priority }, `request ${uniqueKey}`);
}

/** @throws for an unknown dataset, and for what is not plain JSON */
function toCommitJson({ id, attempt, outcome, items, children }: Commit): string {
  const itemTexts = items.map(({ dataset, key, item }) => {
    mergeRule(dataset);
    const head = cleanJson(JSON.stringify({ dataset, key }));
    return `${head.slice(0, -1)},"item":${toDatabaseJson(item, `item ${key} of ${dataset}`)}}`;
  });
  const head = JSON.stringify({ id, attempt, outcome });
  const parts = [toArrayJson(itemTexts), toArrayJson(children.map(toRequestJson))];
  return `${head.slice(0, -1)},"items":${parts[0]},"children":${parts[1]}}`;
}

function toReclaimJson({ id, attempt, delayMs = 0, errorMessage }: Reclaim): string {
  if (!Number.isFinite(delayMs)) {
    throw new TypeError(`delayMs of request ${id}: expected milliseconds, got ${delayMs}`);
  }
  return cleanJson(JSON.stringify({ id, attempt, delayMs, errorMessage }));
}

function toArrayJson(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}
