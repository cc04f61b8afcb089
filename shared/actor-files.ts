import { globSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { ActorDefinition } from "./crawl/define-actor.ts";

const ACTORS = path.resolve(import.meta.dirname, "../actors");

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** `input_schema.json` in Apify's form, from the actor's zod schema. @see https://docs.apify.com/platform/actors/development/actor-definition/input-schema/specification/v1 */
export function renderInputSchema({ title, description, input }: ActorDefinition): string {
  const schema = z.toJSONSchema(input, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => void describeDate(jsonSchema),
  });
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
    ...editorOf(schema),
  };
}

/** A date, with its time or without. @see https://docs.apify.com/platform/actors/development/actor-definition/input-schema/specification/v1#string */
const DATE = String.raw`^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$`;

function isDate({ format }: JsonSchema): boolean {
  return format === "date" || format === "date-time";
}

/** A form takes one kind of text for a date, where the schema takes either of two. */
function describeDate(schema: JsonSchema): void {
  if (!schema.anyOf?.every(isDate)) return;
  delete schema.anyOf;
  Object.assign(schema, { type: "string", pattern: DATE });
}

function editorOf(schema: JsonSchema): { editor: string; dateType?: string } {
  const { type, enum: values, items } = schema;
  if (type === "boolean") return { editor: "checkbox" };
  if (type === "integer" || type === "number") return { editor: "number" };
  if (schema.pattern === DATE || isDate(schema)) return { editor: "datepicker", dateType: "absolute" };
  if (type === "string") return { editor: values ? "select" : "textfield" };
  const isListOfStrings = type === "array" && (items as JsonSchema | undefined)?.type === "string";
  return { editor: isListOfStrings ? "stringList" : "json" };
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
