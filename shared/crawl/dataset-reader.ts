import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Item } from "./run-storage.ts";

/** The items of a local dataset in order, one in memory at a time; none when there is no such folder. */
export async function* readDataset(storageDir: string, name: string): AsyncGenerator<Item> {
  const folder = path.join(storageDir, "datasets", name);
  if (!existsSync(folder)) return;
  const files = (await readdir(folder)).filter((file) => /^\d+\.json$/.test(file)).sort();
  for (const file of files) yield JSON.parse(await readFile(path.join(folder, file), "utf8")) as Item;
}

/** Names of the datasets that a storage folder holds. */
export async function listDatasets(storageDir: string): Promise<string[]> {
  const folder = path.join(storageDir, "datasets");
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}
