import type { H3 } from "h3";
import { z } from "zod";
import type { Run } from "../../../shared/runs/run.ts";
import {
  countQueue,
  findRequest,
  listRequests,
  type QueuedRequest,
  readQueueHead,
} from "../../../shared/runs/storages/request-queue.ts";
import { findRunNumber } from "../../../shared/runs/storages/run-number.ts";
import { notFound } from "../../http/api-error.ts";
import { route } from "../../http/route.ts";
import type { Services } from "../../services.ts";
import { RUN_PATHS, type RunRequest } from "./run-paths.ts";
import { choices, date, envelope, limit, USER } from "./wire.ts";

const tag = "Request queues";

const QueueObject = z.object({
  id: z.string(),
  name: z.null(),
  userId: z.string(),
  createdAt: date,
  modifiedAt: date,
  accessedAt: date,
  totalRequestCount: z.int(),
  handledRequestCount: z.int().describe("Failed ones included"),
  pendingRequestCount: z.int(),
  hadMultipleClients: z.boolean(),
  actId: z.string(),
  actRunId: z.string(),
  failedRequestCount: z.int(),
});

const HeadItem = z.object({
  id: z.string(),
  uniqueKey: z.string(),
  url: z.string(),
  method: z.literal("GET"),
  retryCount: z.int(),
});

const RequestObject = HeadItem.extend({
  userData: z.record(z.string(), z.unknown()).describe("With the label, as Crawlee has it"),
  errorMessages: z.array(z.string()),
  handledAt: date.nullable(),
  lockExpiresAt: date.nullable(),
  addedAt: date,
  priority: z.int(),
  attempt: z.int().describe("How often it was handed out"),
  state: z.enum(["pending", "leased", "delayed", "handled", "failed"]),
});

type Find = (request: RunRequest) => Promise<Run>;

export function addRequestQueues(app: H3, services: Services): void {
  addQueue(app, services, "/v2/request-queues/:queueId", async ({ params }) => {
    const run = await services.runs.get(params["queueId"]!);
    if (!run) throw notFound(`request queue ${JSON.stringify(params["queueId"])}`);
    return run;
  });
  for (const { path, find } of RUN_PATHS)
    addQueue(app, services, `${path}/request-queue`, (request) => find(services, request));
}

function addQueue(app: H3, { database }: Services, path: string, find: Find): void {
  const { pool } = database;
  const common = { method: "GET", scope: "read", tag } as const;
  const numberOf = async (request: RunRequest) => findRunNumber(pool, (await find(request)).id);

  route(app, {
    ...common,
    path,
    summary: "The request queue of a run",
    response: envelope(QueueObject),
    handler: async (request) => {
      const run = await find(request);
      const counts = await countQueue(pool, await findRunNumber(pool, run.id));
      return {
        data: {
          id: run.id,
          name: null,
          userId: USER.id,
          createdAt: run.createdAt,
          modifiedAt: run.modifiedAt,
          accessedAt: run.modifiedAt,
          totalRequestCount: counts.total,
          handledRequestCount: counts.handled + counts.failed,
          pendingRequestCount: counts.pending + counts.claimed + counts.delayed,
          hadMultipleClients: run.attempt > 1,
          actId: run.actor,
          actRunId: run.id,
          failedRequestCount: counts.failed,
        },
      };
    },
  });
  route(app, {
    ...common,
    path: `${path}/head`,
    summary: "What is handed out next",
    query: z.object({ limit: limit(1_000) }),
    response: envelope(
      z.object({
        limit: z.int(),
        queueModifiedAt: date,
        hadMultipleClients: z.boolean(),
        items: z.array(HeadItem),
      }),
    ),
    handler: async (request) => {
      const run = await find(request);
      const { limit: shown } = request.query;
      const items = await readQueueHead(pool, await findRunNumber(pool, run.id), shown);
      return {
        data: {
          limit: shown,
          queueModifiedAt: run.modifiedAt,
          hadMultipleClients: run.attempt > 1,
          items: items.map(toHeadItem),
        },
      };
    },
  });
  route(app, {
    ...common,
    path: `${path}/requests`,
    summary: "All requests, by their ids",
    query: z.object({
      limit: limit(10_000),
      cursor: z.string().max(100).optional().describe("nextCursor of the page before"),
      exclusiveStartId: z
        .string()
        .max(100)
        .optional()
        .describe("Older than cursor: the last id of the page before"),
      filter: choices(["locked", "pending"]).optional(),
    }),
    response: envelope(
      z.object({
        items: z.array(RequestObject),
        limit: z.int(),
        cursor: z.string().optional(),
        nextCursor: z.string().optional().describe("Absent on the last page"),
      }),
    ),
    handler: async (request) => {
      const { limit: shown, cursor, exclusiveStartId, filter = null } = request.query;
      const afterId = cursor ?? exclusiveStartId ?? null;
      const page = await listRequests(pool, await numberOf(request), {
        limit: shown,
        afterId,
        states: filter,
      });
      return {
        data: {
          items: page.items.map(toRequestObject),
          limit: shown,
          cursor,
          ...(page.isTruncated && { nextCursor: page.items.at(-1)!.id }),
        },
      };
    },
  });
  route(app, {
    ...common,
    path: `${path}/requests/:requestId`,
    summary: "A request",
    response: envelope(RequestObject),
    handler: async (request) => {
      const requestId = request.params["requestId"]!;
      const found = await findRequest(pool, await numberOf(request), requestId);
      if (!found) throw notFound(`request ${JSON.stringify(requestId)}`);
      return { data: toRequestObject(found) };
    },
  });
}

function toHeadItem({ id, uniqueKey, url, errorMessages }: QueuedRequest): z.infer<typeof HeadItem> {
  return { id, uniqueKey, url, method: "GET", retryCount: errorMessages.length };
}

function toRequestObject(request: QueuedRequest): z.infer<typeof RequestObject> {
  const { label, userData, errorMessages, settledAt, lockExpiresAt, addedAt, priority, attempt, state } =
    request;
  return {
    ...toHeadItem(request),
    userData: { ...userData, label },
    errorMessages,
    handledAt: settledAt,
    lockExpiresAt,
    addedAt,
    priority,
    attempt,
    state,
  };
}
