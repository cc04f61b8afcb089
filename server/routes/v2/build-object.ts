import { z } from "zod";
import type { ActorManifest } from "../../../shared/runs/actors.ts";
import { buildNumber } from "./run-object.ts";
import { USER } from "./wire.ts";

export const BuildObject = z.object({
  id: z.string(),
  actId: z.string(),
  userId: z.string(),
  status: z.literal("SUCCEEDED"),
  startedAt: z.null(),
  finishedAt: z.null(),
  meta: z.object({ origin: z.string() }),
  buildNumber: z.string(),
  inputSchema: z.string().describe("JSON schema of the run input, as a text"),
  actorDefinition: z.looseObject({ input: z.looseObject({}) }),
});

/** The code that is there, as a build. */
export function toBuildObject(actor: ActorManifest): z.infer<typeof BuildObject> {
  const { name, title, description, version, inputSchema } = actor;
  return {
    id: name,
    actId: name,
    userId: USER.id,
    status: "SUCCEEDED",
    startedAt: null,
    finishedAt: null,
    meta: { origin: "API" },
    buildNumber: buildNumber(actor),
    inputSchema: JSON.stringify(inputSchema),
    actorDefinition: { actorSpecification: 1, name, title, description, version, input: { ...inputSchema } },
  };
}
