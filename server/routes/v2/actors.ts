import type { H3 } from "h3";
import { z } from "zod";
import { formatIssue } from "../../../shared/parse/issues.ts";
import type { ActorManifest } from "../../../shared/runs/actors.ts";
import { CheckedInput } from "../../../shared/runs/launch-input.ts";
import { InvalidRunInputError } from "../../../shared/runs/run.ts";
import { ApiError, notFound } from "../../http/api-error.ts";
import { toLauncher } from "../../http/principal.ts";
import { flag, int, number } from "../../http/query.ts";
import { Reply } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import { readRunInput } from "../../run-input.ts";
import type { Services } from "../../services.ts";
import { ActorObject, ActorShort, toActorObject, toActorShort } from "./actor-object.ts";
import { BuildObject, toBuildObject } from "./build-object.ts";
import { RunObject } from "./run-object.ts";
import { ACTOR_PATHS, actorOf } from "./run-paths.ts";
import { toRun } from "./runs.ts";
import { envelope, listOf, paging, toList, waitForFinish } from "./wire.ts";

const tag = "Actors";

/** Apify's limit of a run input. */
const MAX_INPUT_BYTES = 9 * 1024 * 1024;

const RunOptions = z.object({
  waitForFinish,
  timeout: int(0, 2 ** 31 - 1)
    .optional()
    .describe("Seconds; 0: none"),
  memory: int(128, 65_536).optional().describe("Megabytes"),
  maxItems: int(0, 2 ** 31 - 1)
    .optional()
    .describe("0: no limit"),
  maxTotalChargeUsd: number(0, 1e7)
    .refine((usd) => usd === 0 || usd >= 1e-6, { error: "at least 0.000001, or 0" })
    .optional()
    .describe("0: no limit"),
  restartOnError: flag().default(false),
  priority: int(-1_000, 1_000).default(0).describe("The higher, the sooner"),
  webhooks: z.never({ error: "nothing: webhooks of a single run are not supported" }).optional(),
});

const RUN_ERRORS = { 400: "the actor's schema refuses the input: one line a field" };
const LAUNCH_ERRORS = {
  ...RUN_ERRORS,
  402: "the token has as many runs, as much memory or as many bytes as it may",
  403: "the token may not, or not with this priority",
};

export function addActors(app: H3, services: Services): void {
  for (const path of ACTOR_PATHS) {
    addActorReads(app, services, path);
    addActorRuns(app, services, path);
  }
  addBuilds(app, services);
}

function addActorReads(app: H3, { runs }: Services, path: string): void {
  const common = { method: "GET", scope: "read", tag } as const;
  /** How often it ran, and its newest run. */
  const history = async ({ name }: ActorManifest) => {
    const { items, total } = await runs.list({ actor: name, limit: 1, offset: 0, desc: true });
    return { totalRuns: total, lastRun: items[0] };
  };
  route(app, {
    ...common,
    path,
    summary: "All actors, by name",
    query: z.object({ ...paging, sortBy: z.enum(["createdAt", "stats.lastRunStartedAt"]).optional() }),
    response: listOf(ActorShort),
    handler: async ({ query }) => {
      const actors = await Promise.all(
        runs.actors.map(async (actor) => toActorShort(actor, await history(actor))),
      );
      if (query.sortBy === "stats.lastRunStartedAt") actors.sort((a, b) => lastRun(a) - lastRun(b));
      if (query.desc) actors.reverse();
      const page = actors.slice(query.offset, query.offset + query.limit);
      return toList(page, actors.length, query);
    },
  });
  route(app, {
    ...common,
    path: `${path}/:actorId`,
    summary: "An actor",
    response: envelope(ActorObject),
    handler: async ({ params }) => {
      const actor = actorOf(runs, params);
      return { data: toActorObject(actor, await history(actor)) };
    },
  });
}

function lastRun({ stats }: z.infer<typeof ActorShort>): number {
  return stats.lastRunStartedAt?.getTime() ?? 0;
}

function addActorRuns(app: H3, services: Services, path: string): void {
  const { runs, config } = services;
  const common = { method: "POST", scope: "run", tag, body: { maxBytes: MAX_INPUT_BYTES } } as const;
  route(app, {
    ...common,
    path: `${path}/:actorId/runs`,
    summary: "Launches a run; the body is its input",
    query: RunOptions,
    response: envelope(RunObject),
    status: 201,
    errors: LAUNCH_ERRORS,
    handler: async ({ params, query, body, principal, signal }) => {
      const actor = actorOf(runs, params);
      const launched = await withInput(async () =>
        runs.launch({
          actor: actor.name,
          input: await readRunInput(services, actor, body),
          origin: "API",
          by: toLauncher(principal, config),
          timeoutSecs: query.timeout,
          memoryMbytes: query.memory,
          maxItems: query.maxItems || null,
          maxCostUsd: query.maxTotalChargeUsd || null,
          restartOnError: query.restartOnError,
          priority: query.priority,
        }),
      );
      const secs = query.waitForFinish;
      const run = secs > 0 ? await runs.waitForFinish(launched.id, { secs, signal }) : launched;
      return new Reply(JSON.stringify(toRun(runs, run ?? launched)), {
        headers: {
          "content-type": "application/json; charset=utf-8",
          location: `/v2/actor-runs/${launched.id}`,
        },
      });
    },
  });
  route(app, {
    ...common,
    path: `${path}/:actorId/validate-input`,
    scope: "read",
    summary: "Whether the body would do as an input",
    response: z.object({ valid: z.literal(true) }),
    errors: RUN_ERRORS,
    handler: async ({ params, body }) => {
      const actor = actorOf(runs, params);
      await withInput(async () => {
        const input = await readRunInput(services, actor, body);
        if (!(input instanceof CheckedInput)) await runs.validateInput(actor.name, input);
      });
      return { valid: true };
    },
  });
}

function addBuilds(app: H3, { runs }: Services): void {
  const common = { method: "GET", scope: "read", tag, response: envelope(BuildObject) } as const;
  for (const path of ACTOR_PATHS) {
    route(app, {
      ...common,
      path: `${path}/:actorId/builds`,
      summary: "The builds of an actor: one, the code that is there",
      query: z.object(paging),
      response: listOf(BuildObject),
      handler: ({ params, query }) => {
        const builds = [toBuildObject(actorOf(runs, params))];
        return toList(builds.slice(query.offset, query.offset + query.limit), builds.length, query);
      },
    });
    route(app, {
      ...common,
      path: `${path}/:actorId/builds/default`,
      summary: "The build of an actor, with the schema of its run input",
      handler: ({ params }) => ({ data: toBuildObject(actorOf(runs, params)) }),
    });
  }
  route(app, {
    ...common,
    path: "/v2/actor-builds/:buildId",
    summary: "The build of an actor, which has the actor's name for its id",
    handler: ({ params }) => {
      const actor = runs.actors.find(({ name }) => name === params["buildId"]);
      if (!actor) throw notFound(`build ${JSON.stringify(params["buildId"])}`);
      return { data: toBuildObject(actor) };
    },
  });
}

async function withInput<Result>(launch: () => Promise<Result>): Promise<Result> {
  try {
    return await launch();
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new ApiError(400, "INVALID_INPUT", `input: expected JSON: ${error.message}`, { cause: error });
    if (!(error instanceof InvalidRunInputError)) throw error;
    const details = error.issues.map(formatIssue);
    throw new ApiError(400, "INVALID_INPUT", error.message, { details, cause: error });
  }
}
