import type { Dirent } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { oneLine } from "../printable.ts";
import { ignoreMissing, toStorageError } from "./local/storage-failure.ts";
import { type Item, StorageError } from "./run-storage.ts";

const ITEM_FILE = /^\d+\.json$/;

/**
 * The items of a local dataset in order, one in memory at a time; none when there is no such folder.
 * @throws {StorageError} naming the file that is not an item
 */
export async function* readDataset(storageDir: string, name: string): AsyncGenerator<Item> {
  const folder = path.join(storageDir, "datasets", name);
  for (const file of await listItemFiles(folder)) yield await readItem(path.join(folder, file));
}

/** Names of the datasets that a storage folder holds as files, and how many items each of them has. */
export async function countDatasetFiles(storageDir: string): Promise<Map<string, number>> {
  const folder = path.join(storageDir, "datasets");
  const names = (await list(folder))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (await listItemFiles(path.join(folder, name))).length);
  return counts;
}

async function listItemFiles(folder: string): Promise<string[]> {
  return (await list(folder))
    .map(({ name }) => name)
    .filter((name) => ITEM_FILE.test(name))
    .sort();
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  } catch (cause) {
    throw toStorageError(`cannot read ${folder}`, cause);
  }
}

async function readItem(file: string): Promise<Item> {
  let item: unknown;
  try {
    const text = await readFile(file, "utf8");
    if (text.trim() === "") throw new SyntaxError("the file is empty");
    item = JSON.parse(text);
  } catch (cause) {
    // A power cut leaves such files; the text of the error may quote them.
    throw new StorageError(
      `${file} is not an item: ${oneLine((cause as Error).message)}; remove it and export again`,
      { cause },
    );
  }
  if (typeof item === "object" && item !== null && !Array.isArray(item)) return item as Item;
  throw new StorageError(
    `${file} is not an item: expected a JSON object, got ${oneLine(JSON.stringify(item).slice(0, 50))}; remove it and export again`,
  );
}
