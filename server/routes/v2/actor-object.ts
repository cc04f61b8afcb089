import { z } from "zod";
import type { ActorManifest } from "../../../shared/runs/actors.ts";
import type { Run } from "../../../shared/runs/run.ts";
import { buildNumber } from "./run-object.ts";
import { date, USER } from "./wire.ts";

/** What an actor has done so far. */
export interface ActorHistory {
  totalRuns: number;
  lastRun: Run | undefined;
}

export const ActorShort = z.object({
  id: z.string().describe("Its name"),
  name: z.string(),
  username: z.string(),
  title: z.string(),
  description: z.string(),
  createdAt: z.null(),
  modifiedAt: z.null(),
  stats: z.object({
    totalBuilds: z.literal(1),
    totalRuns: z.int(),
    totalUsers: z.literal(1),
    lastRunStartedAt: date.nullable(),
  }),
});

export const ActorObject = ActorShort.extend({
  userId: z.string(),
  isPublic: z.literal(false),
  versions: z.array(z.object({ versionNumber: z.string(), buildTag: z.string(), sourceType: z.string() })),
  defaultRunOptions: z.object({ build: z.string(), timeoutSecs: z.int(), memoryMbytes: z.int() }),
  taggedBuilds: z.object({ latest: z.object({ buildId: z.string(), buildNumber: z.string() }) }),
  datasets: z.array(z.string()).describe("What its runs push; the first is their default dataset"),
  takesDue: z.boolean().describe('Whether its input may be {"due": n}'),
  workerClass: z.string(),
});

export function toActorShort(
  { name, title, description }: ActorManifest,
  { totalRuns, lastRun }: ActorHistory,
): z.infer<typeof ActorShort> {
  return {
    id: name,
    name,
    username: USER.username,
    title,
    description,
    createdAt: null,
    modifiedAt: null,
    stats: {
      totalBuilds: 1,
      totalRuns,
      totalUsers: 1,
      lastRunStartedAt: lastRun ? (lastRun.startedAt ?? lastRun.createdAt) : null,
    },
  };
}

export function toActorObject(actor: ActorManifest, history: ActorHistory): z.infer<typeof ActorObject> {
  const { name, version, primaryDataset, datasets } = actor;
  return {
    ...toActorShort(actor, history),
    userId: USER.id,
    isPublic: false,
    versions: [{ versionNumber: version, buildTag: "latest", sourceType: "SOURCE_FILES" }],
    defaultRunOptions: {
      build: "latest",
      timeoutSecs: actor.defaultTimeoutSecs,
      memoryMbytes: actor.defaultMemoryMbytes,
    },
    taggedBuilds: { latest: { buildId: name, buildNumber: buildNumber(actor) } },
    datasets: [primaryDataset, ...datasets.filter((dataset) => dataset !== primaryDataset)],
    takesDue: actor.due !== undefined,
    workerClass: actor.class,
  };
}
