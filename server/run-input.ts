import { parseBoundedJson } from "../shared/bounded-json.ts";
import { type ActorManifest, findActor } from "../shared/runs/actors.ts";
import { CheckedInput } from "../shared/runs/launch-input.ts";
import type { InputChecker } from "../shared/schedules/work.ts";
import { QUICK_BYTES } from "./json-thread.ts";
import type { Services } from "./services.ts";

/** Checks inputs as `runs` does, large ones in the thread. */
export function createInputChecker({
  runs,
  jsonThread,
}: Pick<Services, "runs" | "jsonThread">): InputChecker {
  return {
    async validateInput(name, input) {
      const bytes = Buffer.from(JSON.stringify(input));
      const actor = findActor(name, runs.actors);
      if (!actor || bytes.length <= QUICK_BYTES) return runs.validateInput(name, input);
      await jsonThread.do({ kind: "input", actor, bytes });
    },
  };
}

/**
 * The run input that a body holds, as `Runs.launch` takes it; a large one is checked by then. Nothing at all counts as an
 * input without fields.
 * @throws {SyntaxError} when it is no JSON
 * @throws {InvalidRunInputError} when it is large and the actor refuses it
 */
export async function readRunInput(
  { jsonThread }: Pick<Services, "jsonThread">,
  actor: ActorManifest,
  body: Buffer,
): Promise<unknown> {
  if (body.length === 0) return {};
  if (body.length <= QUICK_BYTES) return parseBoundedJson(body);
  return new CheckedInput(await jsonThread.do({ kind: "input", actor, bytes: body }));
}
