import { z } from "zod";
import type { ActorManifest } from "../../../shared/runs/actors.ts";
import { type Run, RUN_STATUSES } from "../../../shared/runs/run.ts";
import { datasetId } from "../../../shared/runs/storages/storage-ids.ts";
import { date, USER } from "./wire.ts";

/** Every actor has one build: the code that is there. */
export function buildNumber(actor: ActorManifest | undefined): string {
  return `${actor?.version ?? "0.0"}.0`;
}

const status = z.enum(RUN_STATUSES);

/** A run in a list. */
export const RunShort = z.object({
  id: z.string(),
  actId: z.string().describe("Name of the actor"),
  userId: z.string(),
  actorTaskId: z.null(),
  startedAt: date.describe("When its first attempt began; until then, when it was launched"),
  finishedAt: date.nullable(),
  status,
  statusMessage: z.string().nullable(),
  buildId: z.string().describe("Name of the actor: it has one build, the code that is there"),
  buildNumber: z.string(),
  meta: z.object({ origin: z.string(), scheduleId: z.string().optional() }),
  usageTotalUsd: z.number().describe("Cost of its calls"),
  defaultKeyValueStoreId: z.string(),
  defaultDatasetId: z.string(),
  defaultRequestQueueId: z.string(),
});

/** A run. The fields from `createdAt` on are not Apify's. */
export const RunObject = RunShort.extend({
  isStatusMessageTerminal: z.boolean(),
  stats: z.record(z.string(), z.number()).describe("Memory, CPU and duration of its attempts"),
  options: z.object({
    build: z.string(),
    timeoutSecs: z.int().describe("0: none"),
    memoryMbytes: z.int(),
    diskMbytes: z.int(),
    maxItems: z.int().optional(),
    maxTotalChargeUsd: z.number().optional(),
    restartOnError: z.boolean(),
  }),
  exitCode: z.int().nullable(),
  generalAccess: z.string(),
  containerUrl: z.null(),
  storageIds: z.object({
    datasets: z.record(z.string(), z.string()).describe("`default` and every dataset by its name"),
    keyValueStores: z.record(z.string(), z.string()),
    requestQueues: z.record(z.string(), z.string()),
  }),
  createdAt: date,
  modifiedAt: date,
  attempt: z.int().describe("How many times a worker has taken it"),
  lostCount: z.int().describe("Attempts in a row that were lost"),
  worker: z.string().nullable(),
  heartbeatAt: date.nullable(),
  priority: z.int(),
  rerunOf: z.string().nullable(),
  progress: z.record(z.string(), z.unknown()).describe("The crawl's counters"),
});

export function toRunShort(run: Run, actor: ActorManifest | undefined): z.infer<typeof RunShort> {
  return {
    id: run.id,
    actId: run.actor,
    userId: USER.id,
    actorTaskId: null,
    startedAt: run.startedAt ?? run.createdAt,
    finishedAt: run.finishedAt,
    status: run.status,
    statusMessage: run.statusMessage,
    buildId: run.actor,
    buildNumber: buildNumber(actor),
    meta: { origin: run.origin, ...(run.scheduleId !== null && { scheduleId: run.scheduleId }) },
    usageTotalUsd: run.costUsd,
    defaultKeyValueStoreId: run.id,
    // A run of an actor that is gone has its datasets by their names.
    defaultDatasetId: actor ? datasetId(run.id, actor.primaryDataset) : run.id,
    defaultRequestQueueId: run.id,
  };
}

export function toRunObject(run: Run, actor: ActorManifest | undefined): z.infer<typeof RunObject> {
  const short = toRunShort(run, actor);
  const { memoryMbytes, timeoutSecs, maxItems, maxCostUsd, restartOnError } = run.options;
  return {
    ...short,
    isStatusMessageTerminal: run.isStatusMessageTerminal,
    stats: { ...NO_STATS, ...run.stats, ...statsOfRow(run) },
    options: {
      build: "latest",
      timeoutSecs,
      memoryMbytes,
      diskMbytes: 0,
      ...(maxItems !== null && { maxItems }),
      ...(maxCostUsd !== null && { maxTotalChargeUsd: maxCostUsd }),
      restartOnError,
    },
    exitCode: run.exitCode,
    generalAccess: "RESTRICTED",
    containerUrl: null,
    storageIds: {
      datasets: { default: short.defaultDatasetId, ...datasetIds(run.id, actor) },
      keyValueStores: { default: run.id },
      requestQueues: { default: run.id },
    },
    createdAt: run.createdAt,
    modifiedAt: run.modifiedAt,
    attempt: run.attempt,
    lostCount: run.lostCount,
    worker: run.worker,
    heartbeatAt: run.heartbeatAt,
    priority: run.priority,
    rerunOf: run.rerunOf,
    progress: run.progress,
  };
}

/** Names that Apify's clients expect; what is not measured is 0. */
const NO_STATS = {
  inputBodyLen: 0,
  migrationCount: 0,
  rebootCount: 0,
  memAvgBytes: 0,
  memMaxBytes: 0,
  memCurrentBytes: 0,
  cpuAvgUsage: 0,
  cpuMaxUsage: 0,
  cpuCurrentUsage: 0,
  netRxBytes: 0,
  netTxBytes: 0,
  metamorph: 0,
};

function statsOfRow({ attempt, resurrectCount, ranSecs, options }: Run): Record<string, number> {
  return {
    restartCount: Math.max(0, attempt - 1 - resurrectCount),
    resurrectCount,
    durationMillis: Math.round(ranSecs * 1000),
    runTimeSecs: ranSecs,
    // Apify's unit: a gigabyte of memory for an hour.
    computeUnits: (options.memoryMbytes / 1024) * (ranSecs / 3600),
  };
}

function datasetIds(runId: string, actor: ActorManifest | undefined): Record<string, string> {
  const datasets = actor ? [...actor.datasets, "failed_requests"] : [];
  return Object.fromEntries(datasets.map((dataset) => [dataset, datasetId(runId, dataset)]));
}
