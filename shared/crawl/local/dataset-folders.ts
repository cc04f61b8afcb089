import { mkdirSync, writeFileSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DATASETS } from "../../datasets.ts";
import { makeFolder } from "../../make-folder.ts";
import { readMergedItems } from "./merged-items.ts";
import type { MergedItemsSource } from "./merged-items.ts";
import type { ItemCounts } from "./replay.ts";
import { ignoreMissing, toStorageError } from "./storage-failure.ts";

/**
 * Writes every dataset of a journal as Crawlee does: a folder a dataset, a file an item, numbered from 000000001.json
 * in the order of first sight. A folder is complete before it takes its name; what a killed call left is removed.
 * @returns items by dataset
 */
export async function writeDatasetFolders(folder: string, source: MergedItemsSource): Promise<ItemCounts> {
  const written: ItemCounts = {};
  try {
    await makeFolder(folder);
    await removeLeftovers(folder);
    await readMergedItems(source, (dataset, _key, item) => {
      const number = (written[dataset] ?? 0) + 1;
      const fresh = freshFolder(folder, dataset);
      if (number === 1) mkdirSync(fresh);
      // Synchronous, because a promise a file takes half as long again; the loop gets a turn with each chunk of the journal.
      writeFileSync(join(fresh, `${String(number).padStart(9, "0")}.json`), JSON.stringify(item, null, 2));
      written[dataset] = number;
    });
    for (const dataset of Object.keys(written)) await putInPlace(folder, dataset);
  } catch (cause) {
    throw toStorageError(`cannot write ${folder}`, cause);
  }
  return written;
}

async function putInPlace(folder: string, dataset: string): Promise<void> {
  const place = join(folder, dataset);
  const stale = staleFolder(folder, dataset);
  await rename(place, stale).catch(ignoreMissing);
  await rename(freshFolder(folder, dataset), place);
  await rm(stale, { recursive: true, force: true });
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const dataset of Object.keys(DATASETS)) {
    await rm(freshFolder(folder, dataset), { recursive: true, force: true });
    await rm(staleFolder(folder, dataset), { recursive: true, force: true });
  }
}

function freshFolder(folder: string, dataset: string): string {
  return join(folder, `.${dataset}.new`);
}

function staleFolder(folder: string, dataset: string): string {
  return join(folder, `.${dataset}.old`);
}
