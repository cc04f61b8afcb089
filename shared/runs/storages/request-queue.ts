import type { Pool } from "pg";
import type { RequestCounts } from "../../crawl/run-storage.ts";

/** A request as it is by now. */
export interface QueuedRequest {
  id: string;
  uniqueKey: string;
  url: string;
  label: string;
  userData: Record<string, unknown>;
  priority: number;
  state: "pending" | "leased" | "delayed" | "handled" | "failed";
  /** How often it was handed out. */
  attempt: number;
  /** One a counted retry, oldest first. */
  errorMessages: string[];
  addedAt: Date;
  /** `null` while it is not done with. */
  settledAt: Date | null;
  /** Set while somebody works on it. */
  lockExpiresAt: Date | null;
}

export interface RequestPage {
  /** Up to 10,000. */
  limit: number;
  /** Requests after the one with this id. */
  afterId: string | null;
  /** `locked`: somebody works on it. `pending`: not done with, locked ones included. `null`: all. */
  states: readonly ("locked" | "pending")[] | null;
}

const COLUMNS = `id, unique_key as "uniqueKey", url, label, user_data as "userData", priority, state, attempt,
  error_messages as "errorMessages", added_at as "addedAt", settled_at as "settledAt",
  lease_expires_at as "lockExpiresAt"`;

const STATES = {
  locked: ["leased"],
  pending: ["pending", "leased", "delayed"],
} as const;

export async function countQueue(pool: Pool, runNumber: number): Promise<RequestCounts> {
  const { rows } = await pool.query<{ counts: RequestCounts }>("select count_requests($1) as counts", [
    runNumber,
  ]);
  return rows[0]!.counts;
}

/** What is handed out next, in its order. */
export async function readQueueHead(pool: Pool, runNumber: number, limit: number): Promise<QueuedRequest[]> {
  const { rows } = await pool.query<QueuedRequest>(
    `select ${COLUMNS} from requests where run_number = $1 and state = 'pending'
    order by forefront desc, priority desc, place limit $2`,
    [runNumber, limit],
  );
  return rows;
}

/** A page ends before its limit rather than to have more than this of what requests carry. */
const PAGE_BYTES = 4_000_000;

/** In the order of their ids. */
export async function listRequests(
  pool: Pool,
  runNumber: number,
  { limit, afterId, states }: RequestPage,
): Promise<{ items: QueuedRequest[]; isTruncated: boolean }> {
  const { rows } = await pool.query<QueuedRequest & { total: number }>(
    `select ${COLUMNS}, total from (
      select *, count(*) over () as total, row_number() over (order by id) as n,
        sum(octet_length(user_data::text) + octet_length(error_messages::text) + octet_length(url))
          over (order by id) as bytes
      from (
        select * from requests
        where run_number = $1 and id > $2 and ($3::text[] is null or state = any($3)) order by id limit $4
      ) page
    ) page
    where n < $4 and (n = 1 or bytes <= ${PAGE_BYTES}) order by id`,
    [runNumber, afterId ?? "", states && states.flatMap((name) => STATES[name]), limit + 1],
  );
  const total = rows[0]?.total ?? 0;
  return { items: rows, isTruncated: rows.length < total };
}

export async function findRequest(
  pool: Pool,
  runNumber: number,
  id: string,
): Promise<QueuedRequest | undefined> {
  const { rows } = await pool.query<QueuedRequest>(
    `select ${COLUMNS} from requests where run_number = $1 and id = $2`,
    [runNumber, id],
  );
  return rows[0];
}
