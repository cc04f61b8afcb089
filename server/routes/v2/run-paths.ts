import type { H3Event } from "h3";
import { z } from "zod";
import { formatIssue, parseValue } from "../../../shared/parse/issues.ts";
import { type ActorManifest, findActor } from "../../../shared/runs/actors.ts";
import { type Run, RUN_STATUSES } from "../../../shared/runs/run.ts";
import { invalidRequest, notFound } from "../../http/api-error.ts";
import type { Services } from "../../services.ts";
import { choices } from "./wire.ts";

/** A request as far as it says which run is meant. */
export interface RunRequest {
  params: Record<string, string>;
  event: H3Event;
}

/** Where a run and what belongs to it stand. */
export interface RunPath {
  path: string;
  /** @throws {ApiError} when there is no such run */
  find(services: Services, request: RunRequest): Promise<Run>;
}

/** The prefix of actors: the present one and that of older clients. */
export const ACTOR_PATHS = ["/v2/actors", "/v2/acts"] as const;

/** Statuses of runs, comma-separated. */
export const statuses = () => choices(RUN_STATUSES);

export const RUN_PATHS: readonly RunPath[] = [
  { path: "/v2/actor-runs/:runId", find: ({ runs }, { params }) => findRun(runs, params["runId"]!) },
  ...ACTOR_PATHS.map((path) => ({ path: `${path}/:actorId/runs/:runId`, find: findRunOfActor })),
];

/** @throws {ApiError} when there is no such actor */
export function actorOf(
  { actors }: Services["runs"],
  { actorId = "" }: Record<string, string>,
): ActorManifest {
  const actor = findActor(actorId, actors);
  if (!actor) throw notFound(`actor ${JSON.stringify(actorId)}`);
  return actor;
}

/** @throws {ApiError} when there is no such run */
export async function findRun(runs: Services["runs"], runId: string): Promise<Run> {
  const run = await runs.get(runId);
  if (!run) throw notFound(`run ${JSON.stringify(runId)}`);
  return run;
}

/** `last` stands for the newest run, its storages and log included; these carry the filters along. */
const LastRun = z.object({ status: statuses().optional(), origin: z.string().optional() });

async function findRunOfActor({ runs }: Services, { params, event }: RunRequest): Promise<Run> {
  const actor = actorOf(runs, params);
  if (params["runId"] !== "last") {
    const run = await findRun(runs, params["runId"]!);
    if (run.actor !== actor.name) throw notFound(`run ${JSON.stringify(run.id)} of actor ${actor.name}`);
    return run;
  }
  const query = Object.fromEntries(event.url.searchParams);
  const filters = parseValue(LastRun, query, { whole: "request" });
  if (!filters.success) throw invalidRequest(filters.issues.map(formatIssue));
  const { status, origin } = filters.data;
  const { items } = await runs.list({
    actor: actor.name,
    statuses: status,
    origin,
    limit: 1,
    offset: 0,
    desc: true,
  });
  if (!items[0]) throw notFound(`such run of actor ${actor.name}`);
  return items[0];
}
