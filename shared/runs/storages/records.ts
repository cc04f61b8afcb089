import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";

/** What is known of a record without its bytes. */
export interface RecordHead {
  contentType: string;
  size: number;
  updatedAt: Date;
}

export interface KeyPage {
  /** Up to 1,000. */
  limit: number;
  /** Keys after this one. */
  exclusiveStartKey: string | null;
  prefix: string;
}

export interface Keys {
  items: { key: string; size: number }[];
  /** There are more after the last one. */
  isTruncated: boolean;
}

export interface StoreSummary {
  records: number;
  sizeBytes: number;
  /** `null` when it has no record. */
  modifiedAt: Date | null;
}

/** Records may have 100 MB; so much of one is in memory at a time. */
const PART_BYTES = 256 * 1024;

export async function findRecord(pool: Pool, store: string, key: string): Promise<RecordHead | undefined> {
  const { rows } = await pool.query<RecordHead>(
    `select content_type as "contentType", octet_length(value) as size, updated_at as "updatedAt"
    from key_value_records where store = $1 and key = $2`,
    [store, key],
  );
  return rows[0];
}

/**
 * The bytes of a record, a part at a time.
 * @throws {Error} when it is written meanwhile: its parts would not belong together
 */
export async function* readRecordParts(
  pool: Pool,
  store: string,
  key: string,
  { size, updatedAt }: RecordHead,
): AsyncGenerator<Buffer> {
  for (let from = 0; from < size; from += PART_BYTES) {
    const { rows } = await withRetry(
      () =>
        pool.query<{ part: Buffer; updatedAt: Date }>(
          `select substring(value from $3 for $4) as part, updated_at as "updatedAt"
          from key_value_records where store = $1 and key = $2`,
          [store, key, from + 1, PART_BYTES],
        ),
      { maxMs: 10_000 },
    );
    if (rows[0]?.updatedAt.getTime() !== updatedAt.getTime())
      throw new Error(`record ${key} of ${store} was changed while it was read`);
    yield rows[0].part;
  }
}

/** Keys in the order of their UTF-8 bytes. */
export async function listKeys(
  pool: Pool,
  store: string,
  { limit, exclusiveStartKey, prefix }: KeyPage,
): Promise<Keys> {
  const { rows } = await pool.query<{ key: string; size: number }>(
    `select key, octet_length(value) as size from key_value_records
    where store = $1 and key > $2 and starts_with(key, $3) order by key limit $4`,
    [store, exclusiveStartKey ?? "", prefix, limit + 1],
  );
  return { items: rows.slice(0, limit), isTruncated: rows.length > limit };
}

export async function summarizeStore(pool: Pool, store: string): Promise<StoreSummary> {
  const { rows } = await pool.query<StoreSummary>(
    `select count(*) as records, coalesce(sum(octet_length(value)), 0) as "sizeBytes",
      max(updated_at) as "modifiedAt"
    from key_value_records where store = $1`,
    [store],
  );
  return rows[0]!;
}
