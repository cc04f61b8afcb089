import type { H3 } from "h3";
import { z } from "zod";
import { formatIssue } from "../../../shared/parse/issues.ts";
import { InvalidRunInputError, type Run, UnknownActorError } from "../../../shared/runs/run.ts";
import { type ActorManifest, findActor } from "../../../shared/runs/actors.ts";
import { ApiError, invalidRequest } from "../../http/api-error.ts";
import { parseJson } from "../../http/body.ts";
import { type Principal, toLauncher } from "../../http/principal.ts";
import { route } from "../../http/route.ts";
import { readRunInput } from "../../run-input.ts";
import type { Services } from "../../services.ts";

const tag = "Instagram";
const errors = {
  402: "the token has as many runs, as much memory or as many bytes as it may",
  422: "The actor refuses the run input: a line a field",
};

const LaunchedRun = z.object({
  id: z.string().meta({ description: "GET /v2/actor-runs/:id shows it, POST …/abort ends it" }),
  status: z.string(),
  created_at: z.date().meta({ type: "string", format: "date-time" }),
});

const NewCreator = z.strictObject({
  username: z.string().min(1).max(300).meta({ description: "username, @name or URL of the profile" }),
  related: z.boolean().optional().meta({ description: "also whom Instagram shows beside them" }),
});

export function addLaunches(app: H3, services: Services): void {
  route(app, {
    method: "POST",
    path: "/api/instagram/scrape",
    scope: "run",
    tag,
    summary: "Launch a run for some creators",
    description: "The body is the run input of the actor `instagram`: usernames, ids, posts, reels, …",
    body: { schema: z.looseObject({}) },
    status: 202,
    response: z.object({ run: LaunchedRun }),
    errors,
    handler: async ({ body, principal }) => {
      if (body.length === 0) throw invalidRequest(["body: expected a run input, got nothing"]);
      const readInput = (actor: ActorManifest) =>
        parseJson("body", () => readRunInput(services, actor, body));
      return { run: await launch(services, principal, readInput) };
    },
  });

  route(app, {
    method: "POST",
    path: "/api/instagram/creators",
    scope: "run",
    tag,
    summary: "Add a creator, and launch their first run",
    description:
      "The creator's row is there when the run has read the profile. One that is known is read again.",
    body: NewCreator,
    status: 202,
    response: z.object({ run: LaunchedRun }),
    errors,
    handler: async ({ body: { username, related }, principal }) => {
      const input = { usernames: [username], ...(related !== undefined && { related }) };
      return { run: await launch(services, principal, async () => input) };
    },
  });
}

async function launch(
  { runs, config }: Services,
  principal: Principal | null,
  readInput: (actor: ActorManifest) => Promise<unknown>,
): Promise<z.infer<typeof LaunchedRun>> {
  const actor = findActor("instagram", runs.actors);
  if (!actor) throw new UnknownActorError("there is no actor instagram");
  try {
    const input = await readInput(actor);
    const by = toLauncher(principal, config);
    const { id, status, createdAt }: Run = await runs.launch({ actor: actor.name, input, origin: "API", by });
    return { id, status, created_at: createdAt };
  } catch (error) {
    if (!(error instanceof InvalidRunInputError)) throw error;
    const details = error.issues.map(formatIssue);
    throw new ApiError(422, "INVALID_INPUT", details.join("; "), { details, cause: error });
  }
}
