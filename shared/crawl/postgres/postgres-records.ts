import type { Pool } from "pg";
import { type RetryOptions, withRetry } from "../../db/retry.ts";
import type { RecordStore } from "../attempt.ts";
import { StorageError } from "../run-storage.ts";
import { callWrite, type Fence } from "./calls.ts";
import { toDatabaseJson } from "./database-json.ts";

const KEY = /^[a-zA-Z0-9!\-_.'()]{1,256}$/;
const MAX_BYTES = 100 * 1024 * 1024;
const JSON_TYPE = "application/json; charset=utf-8";

/** Bytes with their type, as a key-value record has them. */
export interface StoredRecord {
  contentType: string;
  /** Up to 100 MB. */
  value: Buffer;
}

/** Key-value records of one store: a run's own (its id), or one that outlives runs (the actor's name). */
export class PostgresRecords implements RecordStore {
  readonly #pool: Pool;
  readonly #store: string;
  readonly #fence: Fence | null;
  readonly #patience: RetryOptions;
  #lastWrite: Promise<void> = Promise.resolve();

  /**
   * @param fence of the attempt that writes; `null` for a run that several processes share
   * @param patience how long writes wait for the database
   */
  constructor(pool: Pool, store: string, fence: Fence | null = null, patience: RetryOptions = {}) {
    this.#pool = pool;
    this.#store = store;
    this.#fence = fence;
    this.#patience = patience;
  }

  async get(key: string): Promise<unknown> {
    const record = await this.read(key);
    return record && JSON.parse(record.value.toString());
  }

  async set(key: string, value: unknown): Promise<void> {
    if (value === undefined) return this.write(key, null);
    await this.write(key, {
      contentType: JSON_TYPE,
      value: Buffer.from(toDatabaseJson(value, `record ${key}`)),
    });
  }

  /** `undefined` when there is none. */
  async read(key: string): Promise<StoredRecord | undefined> {
    assertKey(key);
    const { rows } = await withRetry(() =>
      this.#pool.query<StoredRecord>(
        'select content_type as "contentType", value from key_value_records where store = $1 and key = $2',
        [this.#store, key],
      ),
    );
    return rows[0];
  }

  /** `null` deletes. One at a time, in the order of the calls: the last one counts. */
  write(key: string, record: StoredRecord | null): Promise<void> {
    assertKey(key);
    if (record && record.value.length > MAX_BYTES) {
      throw new StorageError(`record ${key}: expected at most 100 MB, got ${record.value.length} bytes`);
    }
    const write = this.#lastWrite.then(() => this.#write(key, record));
    // Its own caller hears of a failure.
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  /** Resolves when every write has ended. */
  async settled(): Promise<void> {
    await this.#lastWrite;
  }

  async #write(key: string, record: StoredRecord | null): Promise<void> {
    const place = [this.#store, key];
    if (!record) return callWrite(this.#pool, this.#fence, "delete_record", place, this.#patience);
    const { contentType, value } = record;
    const values = [...place, contentType, value];
    return callWrite(this.#pool, this.#fence, "put_record", values, this.#patience);
  }
}

function assertKey(key: string): void {
  if (KEY.test(key)) return;
  throw new StorageError(
    `record key ${JSON.stringify(key)}: expected 1 to 256 of a-z, A-Z, 0-9, "!", "-", "_", ".", "'", "(" and ")"`,
  );
}
