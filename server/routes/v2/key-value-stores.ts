import type { H3 } from "h3";
import type { Pool } from "pg";
import { z } from "zod";
import { PostgresRecords } from "../../../shared/crawl/postgres/postgres-records.ts";
import { isBrief } from "../../../shared/db/retry.ts";
import type { Run } from "../../../shared/runs/run.ts";
import {
  findRecord,
  listKeys,
  readRecordParts,
  type RecordHead,
  summarizeStore,
} from "../../../shared/runs/storages/records.ts";
import { createCounter } from "../../../shared/runs/token-limits.ts";
import { ApiError, notFound } from "../../http/api-error.ts";
import { type Principal, toLauncher } from "../../http/principal.ts";
import { flag } from "../../http/query.ts";
import { Reply } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import type { Services } from "../../services.ts";
import { RUN_PATHS, type RunRequest } from "./run-paths.ts";
import { toStream } from "./streams.ts";
import { date, envelope, limit, USER } from "./wire.ts";

const tag = "Key-value stores";

/** A run's own store, or one that outlives runs: an actor's. */
interface Store {
  id: string;
  actor: string;
  run: Run | null;
}

const StoreObject = z.object({
  id: z.string(),
  name: z.string().nullable(),
  userId: z.string(),
  createdAt: date.nullable(),
  modifiedAt: date.nullable(),
  accessedAt: date.nullable(),
  actId: z.string(),
  actRunId: z.string().nullable(),
  stats: z.object({ storageBytes: z.int() }),
  recordCount: z.int(),
});

const Keys = z.object({
  items: z.array(z.object({ key: z.string(), size: z.int(), recordPublicUrl: z.string() })),
  count: z.int(),
  limit: z.int(),
  isTruncated: z.boolean(),
  exclusiveStartKey: z.string().nullable(),
  nextExclusiveStartKey: z.string().nullable().describe("Null on the last page"),
});

const KEY = /^[a-zA-Z0-9!\-_.'()]{1,256}$/;
/** Records up to this size go out as a whole, with a length and an ETag. */
const WHOLE_BYTES = 256 * 1024;

const WRITE_ERRORS = {
  402: "the token has stored as many bytes as it may",
  403: "the token may not write to the store of an actor, which has what its runs know of one another",
};

type Find = (request: RunRequest) => Promise<Store>;

export function addKeyValueStores(app: H3, services: Services): void {
  addStore(app, services, "/v2/key-value-stores/:storeId", ({ params }) =>
    findStore(services, params["storeId"]!),
  );
  for (const { path, find } of RUN_PATHS) {
    addStore(app, services, `${path}/key-value-store`, async (request) => {
      const run = await find(services, request);
      return { id: run.id, actor: run.actor, run };
    });
  }
}

function addStore(app: H3, services: Services, path: string, find: Find): void {
  const { pool } = services.database;
  route(app, {
    method: "GET",
    path,
    scope: "read",
    tag,
    summary: "A key-value store: a run's has its id, one that outlives runs its actor's name",
    response: envelope(StoreObject),
    handler: async (request) => {
      const store = await find(request);
      const { records, sizeBytes, modifiedAt } = await summarizeStore(pool, store.id);
      return {
        data: { ...toObject(store, modifiedAt), stats: { storageBytes: sizeBytes }, recordCount: records },
      };
    },
  });
  route(app, {
    method: "GET",
    path: `${path}/keys`,
    scope: "read",
    tag,
    summary: "Keys in the order of their bytes",
    query: z.object({
      limit: limit(),
      exclusiveStartKey: z.string().max(256).optional(),
      prefix: z.string().max(256).default(""),
    }),
    response: envelope(Keys),
    handler: async (request) => {
      const { id } = await find(request);
      const { limit: shown, exclusiveStartKey = null, prefix } = request.query;
      const { items, isTruncated } = await listKeys(pool, id, { limit: shown, exclusiveStartKey, prefix });
      const { origin } = request.event.url;
      return {
        data: {
          items: items.map((item) => ({
            ...item,
            recordPublicUrl: `${origin}/v2/key-value-stores/${id}/records/${item.key}`,
          })),
          count: items.length,
          limit: shown,
          isTruncated,
          exclusiveStartKey,
          nextExclusiveStartKey: isTruncated ? items.at(-1)!.key : null,
        },
      };
    },
  });
  addRecords(app, services, `${path}/records/**:key`, find);
}

function addRecords(app: H3, { database, config }: Services, path: string, find: Find): void {
  const { pool, kysely: db } = database;
  const maxBytes = config.apiMaxBodyMbytes * 1024 * 1024;
  route(app, {
    method: "GET",
    path,
    scope: "read",
    tag,
    summary: "A record, as it was written",
    query: z.object({ attachment: flag().default(false) }),
    response: "application/octet-stream",
    handler: async (request) => {
      const key = keyOf(request.params);
      const { id } = await find(request);
      const head = await findRecord(pool, id, key);
      if (!head) throw notFound(`record ${key} in store ${id}`);
      const headers = recordHeaders(key, head, request.query.attachment);
      if (request.event.req.method === "HEAD")
        return new Reply(null, { headers: { ...headers, "content-length": String(head.size) } });
      const parts = readRecordParts(pool, id, key, head);
      if (head.size > WHOLE_BYTES) return new Reply(toStream(parts), { headers });
      return new Reply(Buffer.concat(await Array.fromAsync(parts)), { headers });
    },
  });
  for (const method of ["PUT", "POST"] as const) {
    route(app, {
      method,
      path,
      scope: "run",
      tag,
      summary: "Stores a record of any bytes",
      body: { maxBytes },
      response: z.object({}),
      status: 201,
      errors: WRITE_ERRORS,
      handler: async (request) => {
        const key = keyOf(request.params);
        const store = await find(request);
        assertMayWrite(store, request.principal);
        const { id } = store;
        const contentType = request.event.req.headers.get("content-type") ?? "application/octet-stream";
        const record = { contentType, value: request.body };
        const count = createCounter(toLauncher(request.principal, config), db);
        await count(record.value.length, () => recordsOf(pool, id).write(key, record));
        return new Reply("{}", {
          headers: {
            "content-type": "application/json; charset=utf-8",
            location: `/v2/key-value-stores/${id}/records/${key}`,
          },
        });
      },
    });
  }
  route(app, {
    method: "DELETE",
    path,
    scope: "run",
    tag,
    summary: "Removes a record, whether there or not",
    response: z.null(),
    status: 204,
    errors: { 403: WRITE_ERRORS[403] },
    handler: async (request) => {
      const key = keyOf(request.params);
      const store = await find(request);
      assertMayWrite(store, request.principal);
      await recordsOf(pool, store.id).write(key, null);
      return new Reply(null);
    },
  });
}

/** Whoever asked waits for the answer. */
function recordsOf(pool: Pool, store: string): PostgresRecords {
  return new PostgresRecords(pool, store, null, { maxMs: 10_000, passes: isBrief });
}

/** What an actor notes for its next run decides what that does: a run writes it in its own process, and admins may. */
function assertMayWrite({ id, run }: Store, principal: Principal | null): void {
  if (run || principal?.scope === "admin") return;
  throw new ApiError(
    403,
    "INSUFFICIENT_PERMISSIONS",
    `the store of actor ${id} has what its runs know of one another: to write to it needs a token of scope admin`,
  );
}

function recordHeaders(key: string, { contentType, updatedAt }: RecordHead, isAttachment: boolean) {
  return {
    "content-type": contentType,
    "last-modified": updatedAt.toUTCString(),
    "cache-control": "private, no-cache",
    // Whoever writes a page into a record must not act as whoever opens it.
    "content-security-policy": "sandbox; default-src 'none'",
    ...(isAttachment && { "content-disposition": `attachment; filename="${key}"` }),
  };
}

function keyOf({ key = "" }: Record<string, string>): string {
  if (KEY.test(key)) return key;
  throw new ApiError(
    400,
    "INVALID_RECORD_KEY",
    `key: expected 1 to 256 of a-z, A-Z, 0-9, "!", "-", "_", ".", "'", "(" and ")", got ${JSON.stringify(key.slice(0, 300))}`,
  );
}

async function findStore({ runs }: Services, id: string): Promise<Store> {
  const run = await runs.get(id);
  if (run) return { id, actor: run.actor, run };
  if (runs.actors.some(({ name }) => name === id)) return { id, actor: id, run: null };
  throw notFound(`key-value store ${JSON.stringify(id)}`);
}

function toObject({ id, actor, run }: Store, writtenAt: Date | null) {
  const modifiedAt = writtenAt ?? run?.createdAt ?? null;
  return {
    id,
    name: run ? null : actor,
    userId: USER.id,
    createdAt: run?.createdAt ?? null,
    modifiedAt,
    accessedAt: modifiedAt,
    actId: actor,
    actRunId: run?.id ?? null,
  };
}
