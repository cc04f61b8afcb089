import type { H3 } from "h3";
import { z } from "zod";
import { findActor } from "../../../shared/runs/actors.ts";
import { isFinal, type Run, RunStateError, UnknownActorError } from "../../../shared/runs/run.ts";
import { ApiError, notFound } from "../../http/api-error.ts";
import { toLauncher } from "../../http/principal.ts";
import { flag, int, timestamp } from "../../http/query.ts";
import { Reply } from "../../http/reply.ts";
import { route, type RouteRequest } from "../../http/route.ts";
import type { Services } from "../../services.ts";
import { RunObject, RunShort, toRunObject, toRunShort } from "./run-object.ts";
import { ACTOR_PATHS, actorOf, RUN_PATHS, statuses } from "./run-paths.ts";
import { envelope, listOf, paging, toList, waitForFinish } from "./wire.ts";

const tag = "Runs";

const RunList = z.object({
  ...paging,
  status: statuses().optional(),
  startedAfter: timestamp().optional(),
  startedBefore: timestamp().optional(),
});

const RunUpdate = z.object({
  statusMessage: z.string().max(1_000).optional(),
  isStatusMessageTerminal: z.boolean().optional(),
});

const kept = z.never({ error: "nothing, for a resurrected run keeps it" }).optional();

const Resurrection = z.object({
  timeout: int(0, 2 ** 31 - 1)
    .optional()
    .describe("Seconds from now on; 0: none"),
  memory: int(128, 65_536).optional().describe("Megabytes"),
  maxItems: kept,
  maxTotalChargeUsd: kept,
  restartOnError: kept,
});

export function toRun({ actors }: Services["runs"], run: Run) {
  return { data: toRunObject(run, findActor(run.actor, actors)) };
}

export function addRuns(app: H3, services: Services): void {
  const { runs } = services;
  const listRuns = async (query: z.output<typeof RunList>, actor?: string) => {
    const { status, ...filters } = query;
    const { items, total } = await runs.list({ actor, statuses: status, ...filters });
    return toList(
      items.map((run) => toRunShort(run, findActor(run.actor, runs.actors))),
      total,
      query,
    );
  };

  route(app, {
    method: "GET",
    path: "/v2/actor-runs",
    scope: "read",
    tag,
    summary: "Runs of all actors, by their creation",
    query: RunList,
    response: listOf(RunShort),
    handler: ({ query }) => listRuns(query),
  });
  for (const path of ACTOR_PATHS) {
    route(app, {
      method: "GET",
      path: `${path}/:actorId/runs`,
      scope: "read",
      tag,
      summary: "Runs of an actor, by their creation",
      query: RunList,
      response: listOf(RunShort),
      handler: ({ params, query }) => listRuns(query, actorOf(runs, params).name),
    });
  }
  for (const { path, find } of RUN_PATHS) addRun(app, services, path, (request) => find(services, request));
}

type Find = (
  request: Pick<RouteRequest<Record<string, string>, unknown, unknown>, "params" | "event">,
) => Promise<Run>;

function addRun(app: H3, { runs, config }: Services, path: string, find: Find): void {
  route(app, {
    method: "GET",
    path,
    scope: "read",
    tag,
    summary: "A run; with waitForFinish as soon as it has ended",
    query: z.object({ waitForFinish }),
    response: envelope(RunObject),
    handler: async (request) => {
      const run = await find(request);
      const secs = request.query.waitForFinish;
      if (secs === 0 || isFinal(run.status)) return toRun(runs, run);
      return toRun(runs, (await runs.waitForFinish(run.id, { secs, signal: request.signal })) ?? run);
    },
  });
  route(app, {
    method: "PUT",
    path,
    scope: "run",
    tag,
    summary: "Sets a run's status message",
    body: RunUpdate,
    response: envelope(RunObject),
    handler: async (request) => {
      const { id } = await find(request);
      return toRun(runs, await there(id, runs.update(id, request.body)));
    },
  });
  route(app, {
    method: "DELETE",
    path,
    scope: "run",
    tag,
    summary: "Removes a run that is over, with its datasets, records and log; tables stay",
    response: z.null(),
    status: 204,
    errors: { 400: "the run is not over" },
    handler: async (request) => {
      const { id } = await find(request);
      await byState("CANNOT_REMOVE_RUNNING_RUN", runs.remove(id));
      return new Reply(null);
    },
  });
  route(app, {
    method: "POST",
    path: `${path}/abort`,
    scope: "run",
    tag,
    summary: "Aborts a run; one that is over stays as it is",
    query: z.object({
      gracefully: flag().default(true).describe("Requests in flight may finish, within 30 s; 0 kills it"),
    }),
    response: envelope(RunObject),
    handler: async (request) => {
      const { id } = await find(request);
      const { gracefully } = request.query;
      return toRun(runs, await there(id, byState("INVALID_REQUEST", runs.abort(id, { gracefully }))));
    },
  });
  route(app, {
    method: "POST",
    path: `${path}/resurrect`,
    scope: "run",
    tag,
    summary: "A run that is over goes on where it stopped, with its storages",
    query: Resurrection,
    response: envelope(RunObject),
    errors: { 400: "the run is not over", 402: "the token has as many runs or as much memory as it may" },
    handler: async (request) => {
      const { id } = await find(request);
      const { timeout, memory } = request.query;
      const by = toLauncher(request.principal, config);
      const options = { timeoutSecs: timeout, memoryMbytes: memory, by };
      return toRun(runs, await there(id, byState("RUN_NOT_FINISHED", runs.resurrect(id, options))));
    },
  });
}

/** Somebody may have removed it meanwhile. */
async function there(id: string, found: Promise<Run | undefined>): Promise<Run> {
  const run = await found;
  if (!run) throw notFound(`run ${JSON.stringify(id)}`);
  return run;
}

async function byState<Result>(code: string, done: Promise<Result>): Promise<Result> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof RunStateError) throw new ApiError(400, code, error.message, { cause: error });
    if (error instanceof UnknownActorError)
      throw new ApiError(404, "ACTOR_NOT_FOUND", error.message, { cause: error });
    throw error;
  }
}
