import { globSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { ActorDefinition } from "./crawl/define-actor.ts";

const ACTORS = path.resolve(import.meta.dirname, "../actors");

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** `input_schema.json` in Apify's form, from the actor's zod schema. @see https://docs.apify.com/platform/actors/development/actor-definition/input-schema/specification/v1 */
export function renderInputSchema({ title, description, input }: ActorDefinition): string {
  const schema = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    name,
    toApifyProperty(name, property as JsonSchema),
  ]);
  return toJson({
    title: `${title} input`,
    description,
    type: "object",
    schemaVersion: 1,
    properties: Object.fromEntries(properties) as object,
    required: schema.required ?? [],
  });
}

/** `actor.json`: what a server must know of an actor without running it. */
export function renderActorJson(actor: ActorDefinition): string {
  const { name, title, description, primaryDataset, datasets, due, resources } = actor;
  const { class: workerClass = "http" } = actor;
  return toJson({
    actorSpecification: 1,
    name,
    title,
    description,
    version: "0.1",
    input: "./input_schema.json",
    primaryDataset,
    datasets,
    ...(due !== undefined && { due }),
    class: workerClass,
    defaultMemoryMbytes: resources.memoryMbytes,
    defaultTimeoutSecs: resources.timeoutSecs,
    defaultConcurrency: resources.maxConcurrency,
  });
}

/** Every actor's definition, by its folder. */
export async function loadActors(): Promise<ActorDefinition[]> {
  const mains = globSync("*/main.ts", { cwd: ACTORS }).sort();
  const modules = await Promise.all(
    mains.map((main) => import(path.join(ACTORS, main)) as Promise<{ actor: ActorDefinition }>),
  );
  return modules.map(({ actor }) => actor);
}

/** The generated files of an actor's folder. */
export function renderActorFiles(actor: ActorDefinition): Record<string, string> {
  return { "actor.json": renderActorJson(actor), "input_schema.json": renderInputSchema(actor) };
}

export function actorFolder({ name }: ActorDefinition): string {
  return path.join(ACTORS, name);
}

function toApifyProperty(name: string, schema: JsonSchema): object {
  const { type, description, items } = schema;
  const words = name.replaceAll("_", " ");
  return {
    title: words[0]!.toUpperCase() + words.slice(1),
    // Fields that take several types have none in JSON Schema; Apify's form wants one.
    type: type ?? "object",
    description: description ?? "",
    ...pick(schema, [
      "default",
      "enum",
      "minimum",
      "maximum",
      "minLength",
      "maxLength",
      "pattern",
      "minItems",
      "maxItems",
    ]),
    ...(items !== undefined && { items }),
    ...(schema.properties !== undefined && pick(schema, ["properties", "required"])),
    editor: editorOf(schema),
  };
}

function editorOf({ type, enum: values, items }: JsonSchema): string {
  if (type === "boolean") return "checkbox";
  if (type === "integer" || type === "number") return "number";
  if (type === "string") return values ? "select" : "textfield";
  const isListOfStrings = type === "array" && (items as JsonSchema | undefined)?.type === "string";
  return isListOfStrings ? "stringList" : "json";
}

function pick(schema: JsonSchema, names: (keyof JsonSchema)[]): object {
  return Object.fromEntries(
    names.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]]),
  );
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

if (import.meta.main) {
  for (const actor of await loadActors()) {
    for (const [file, text] of Object.entries(renderActorFiles(actor)))
      writeFileSync(path.join(actorFolder(actor), file), text);
  }
}
