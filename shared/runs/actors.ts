import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { InvalidInputError } from "../errors.ts";
import { formatIssue, parseValue } from "../parse/issues.ts";

const ACTORS = path.resolve(import.meta.dirname, "../../actors");

const ActorJson = z.object({
  name: z.string(),
  title: z.string(),
  description: z.string(),
  version: z.string(),
  input: z.string(),
  primaryDataset: z.string(),
  datasets: z.array(z.string()),
  due: z.object({ select: z.string().regex(/^[a-z_]+$/), into: z.string() }).optional(),
  class: z.enum(["http", "browser", "media"]),
  defaultMemoryMbytes: z.int().min(1),
  defaultTimeoutSecs: z.int().min(0),
  defaultConcurrency: z.int().min(1),
});

const InputSchema = z.record(z.string(), z.unknown());

/** What is known of an actor without running it: its `actor.json`, which `make docs` writes from its definition. */
export interface ActorManifest extends Omit<z.infer<typeof ActorJson>, "input"> {
  /** Where it lives. */
  folder: string;
  /** Of its run input, in Apify's form. */
  inputSchema: object;
}

/**
 * Every actor under `folder`, by name: a folder with an `actor.json` is one.
 * @throws {InvalidInputError} naming the file, one line a mistake
 */
export function loadActorManifests(folder: string = ACTORS): ActorManifest[] {
  return globSync("*/actor.json", { cwd: folder })
    .sort()
    .map((file) => loadManifest(path.join(folder, file)));
}

/** The actors of this checkout. */
export const actorManifests: readonly ActorManifest[] = loadActorManifests();

/** @param idOrName an actor's name, also as `~name` and `username~name` */
export function findActor(
  idOrName: string,
  manifests: readonly ActorManifest[] = actorManifests,
): ActorManifest | undefined {
  const name = idOrName.slice(idOrName.indexOf("~") + 1);
  return manifests.find((manifest) => manifest.name === name);
}

/** The zod schema of its run input: what its `input.ts` exports as `Input`. The rest of the actor is not loaded. */
export async function loadInputSchema({ folder }: ActorManifest): Promise<z.ZodType> {
  const { Input } = (await import(path.join(folder, "input.ts"))) as { Input: z.ZodType };
  return Input;
}

function loadManifest(file: string): ActorManifest {
  const folder = path.dirname(file);
  const { input, ...manifest } = readFileAs(ActorJson, file);
  return { ...manifest, folder, inputSchema: readFileAs(InputSchema, path.join(folder, input)) };
}

function readFileAs<Schema extends z.ZodType>(schema: Schema, file: string): z.output<Schema> {
  const parsed = parseValue(schema, readJson(file), { whole: "the file" });
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(`${file}:\n  ${parsed.issues.map(formatIssue).join("\n  ")}`);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new InvalidInputError(`${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}
