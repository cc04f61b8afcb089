import { parseBoundedJson } from "../shared/bounded-json.ts";
import { cleanJson } from "../shared/crawl/postgres/database-json.ts";
import { InvalidInputError } from "../shared/errors.ts";
import type { ActorManifest } from "../shared/runs/actors.ts";
import { InvalidRunInputError } from "../shared/runs/run.ts";
import { assertRunInput } from "../shared/runs/launch-input.ts";
import { toItemsJson } from "../shared/runs/storages/datasets.ts";

export interface InputWork {
  kind: "input";
  actor: ActorManifest;
  /** JSON. */
  bytes: Uint8Array;
}

export interface ItemsWork {
  kind: "items";
  dataset: string;
  bytes: Uint8Array;
}

/** What is to be done to a body before it is stored. */
export type JsonWork = InputWork | ItemsWork;

/** @throws {SyntaxError} for what is no JSON, or JSON beyond all bounds */
export async function doJsonWork(work: JsonWork): Promise<string> {
  const value = parseBoundedJson(work.bytes);
  return work.kind === "input" ? checkInput(work.actor, value) : toItems(work.dataset, value);
}

/**
 * A large run input as the database takes it.
 * @throws {InvalidRunInputError} when the actor refuses it, or work is to be added to it
 */
async function checkInput(actor: ActorManifest, input: unknown): Promise<string> {
  await assertRunInput(actor, input);
  if (typeof input === "object" && input !== null && "due" in input)
    throw new InvalidRunInputError([{ path: "due", message: "expected less beside it: the input is large" }]);
  return cleanJson(JSON.stringify(input));
}

/**
 * An item, or an array of them, as `push_items` takes them.
 * @throws {InvalidInputError} naming the one that will not do
 */
function toItems(dataset: string, body: unknown): string {
  if (typeof body !== "object" || body === null)
    throw new InvalidInputError("body: expected an item, or an array of items");
  return toItemsJson(dataset, Array.isArray(body) ? body : [body]);
}
