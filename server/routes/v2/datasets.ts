import type { H3 } from "h3";
import { z } from "zod";
import { InvalidInputError } from "../../../shared/errors.ts";
import { findActor } from "../../../shared/runs/actors.ts";
import {
  type Dataset,
  deleteDataset,
  feedsTable,
  findDataset,
  listDatasets,
  pushItems,
  readFieldStatistics,
} from "../../../shared/runs/storages/datasets.ts";
import { isFinal, type Run } from "../../../shared/runs/run.ts";
import { datasetId, parseDatasetId } from "../../../shared/runs/storages/storage-ids.ts";
import { createCounter } from "../../../shared/runs/token-limits.ts";
import { ApiError, notFound } from "../../http/api-error.ts";
import { parseJson } from "../../http/body.ts";
import { type Principal, toLauncher } from "../../http/principal.ts";
import { Reply } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import type { Services } from "../../services.ts";
import { answerItems, ITEM_ORDER, ItemQuery } from "./dataset-items.ts";
import { RUN_PATHS, type RunRequest } from "./run-paths.ts";
import { date, envelope, listOf, paging, toList, USER } from "./wire.ts";

const tag = "Datasets";

const DatasetObject = z.object({
  id: z.string(),
  name: z.null(),
  title: z.string().describe("The dataset's name within its run"),
  userId: z.string(),
  createdAt: date,
  modifiedAt: date,
  accessedAt: date,
  itemCount: z.int(),
  cleanItemCount: z.int(),
  actId: z.string(),
  actRunId: z.string(),
});

const FieldStatistics = z.object({
  min: z.number().nullable(),
  max: z.number().nullable(),
  nullCount: z.int(),
  emptyCount: z.int(),
});

/** One item, or several. */
const PushedItems = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]);

type Find = (request: RunRequest) => Promise<Dataset>;

export function addDatasets(app: H3, services: Services): void {
  route(app, {
    method: "GET",
    path: "/v2/datasets",
    scope: "read",
    tag,
    summary: "Datasets of all runs, by their creation",
    query: z.object(paging),
    response: listOf(DatasetObject),
    handler: async ({ query }) => {
      const { items, total } = await listDatasets(services.database.pool, query);
      return toList(items.map(toObject), total, query);
    },
  });
  addDataset(app, services, "/v2/datasets/:datasetId", ({ params }) =>
    findById(services, params["datasetId"]!),
  );
  for (const { path, find } of RUN_PATHS) {
    addDataset(app, services, `${path}/dataset`, async (request) =>
      findOfRun(services, await find(services, request), null),
    );
  }
}

function addDataset(app: H3, services: Services, path: string, find: Find): void {
  const { database, runs } = services;
  const { pool } = database;
  route(app, {
    method: "GET",
    path,
    scope: "read",
    tag,
    summary: "A dataset",
    response: envelope(DatasetObject),
    handler: async (request) => ({ data: toObject(await find(request)) }),
  });
  route(app, {
    method: "DELETE",
    path,
    scope: "run",
    tag,
    summary: "Removes the items of a run that is over; tables stay",
    response: z.null(),
    status: 204,
    errors: { 400: "the run is not over" },
    handler: async (request) => {
      const dataset = await find(request);
      const run = await runs.get(dataset.runId);
      if (run && !isFinal(run.status))
        throw new ApiError(
          400,
          "CANNOT_REMOVE_RUNNING_RUN",
          `run ${run.id} is ${run.status} and writes to it`,
        );
      await deleteDataset(pool, dataset);
      return new Reply(null);
    },
  });
  route(app, {
    method: "GET",
    path: `${path}/items`,
    scope: "read",
    tag,
    summary: "Items as json, jsonl or csv, in the order of their push",
    description: ITEM_ORDER,
    query: ItemQuery,
    response: "application/json",
    handler: async (request) => answerItems(pool, await find(request), request.query, request.event),
  });
  route(app, {
    method: "POST",
    path: `${path}/items`,
    scope: "run",
    tag,
    summary: "Pushes an item, or an array of them: all or none",
    body: { schema: PushedItems },
    response: z.object({}),
    status: 201,
    errors: {
      402: "the token has stored as many bytes as it may",
      403: "the token may not push to a dataset that is brought into a table",
    },
    handler: async (request) => {
      const dataset = await find(request);
      await assertMayPush(pool, dataset, request.principal);
      await push(services, { dataset, bytes: request.body, principal: request.principal });
      return {};
    },
  });
  route(app, {
    method: "GET",
    path: `${path}/statistics`,
    scope: "read",
    tag,
    summary: "Smallest and largest number, nulls and empty values by field",
    response: envelope(z.object({ fieldStatistics: z.record(z.string(), FieldStatistics) })),
    handler: async (request) => ({
      data: { fieldStatistics: await refusing(readFieldStatistics(pool, await find(request))) },
    }),
  });
}

/** Tables are the current truth, whatever a run has seen: its own process writes them, and admins may. */
async function assertMayPush(
  pool: Services["database"]["pool"],
  dataset: Dataset,
  principal: Principal | null,
): Promise<void> {
  if (principal?.scope === "admin" || !(await feedsTable(pool, dataset))) return;
  throw new ApiError(
    403,
    "INSUFFICIENT_PERMISSIONS",
    `items of ${dataset.name} are brought into a table: to push them needs a token of scope admin`,
  );
}

async function push(
  { database: { pool, kysely: db }, jsonThread, config }: Services,
  { dataset, bytes, principal }: { dataset: Dataset; bytes: Buffer; principal: Principal | null },
): Promise<void> {
  const json = await refusing(
    parseJson("body", () => jsonThread.do({ kind: "items", dataset: dataset.name, bytes })),
  );
  const count = createCounter(toLauncher(principal, config), db);
  await count(Buffer.byteLength(json), () => pushItems(pool, dataset, json));
}

async function refusing<Result>(done: Promise<Result>): Promise<Result> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof InvalidInputError)
      throw new ApiError(400, "INVALID_VALUE", error.message, { cause: error });
    throw error;
  }
}

async function findById(services: Services, id: string): Promise<Dataset> {
  const { runId, dataset } = parseDatasetId(id);
  const run = await services.runs.get(runId);
  if (!run) throw notFound(`dataset ${JSON.stringify(id)}`);
  return findOfRun(services, run, dataset);
}

/** @param name `null`: the run's default dataset */
async function findOfRun({ database, runs }: Services, run: Run, name: string | null): Promise<Dataset> {
  const actor = findActor(run.actor, runs.actors);
  const wanted = name ?? actor?.primaryDataset;
  const dataset = wanted === undefined ? undefined : await findDataset(database.pool, run.id, wanted);
  const isKnown = dataset?.stored || (actor && [...actor.datasets, "failed_requests"].includes(wanted!));
  if (!dataset || !isKnown) throw notFound(`dataset ${JSON.stringify(name ?? "default")} of run ${run.id}`);
  return dataset;
}

function toObject(dataset: Dataset) {
  const { runId, name, actor, createdAt, modifiedAt, itemCount } = dataset;
  return {
    id: datasetId(runId, name),
    name: null,
    title: name,
    userId: USER.id,
    createdAt,
    modifiedAt,
    accessedAt: modifiedAt,
    itemCount,
    cleanItemCount: itemCount,
    actId: actor,
    actRunId: runId,
  };
}
