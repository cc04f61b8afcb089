import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { countDatasetFiles, readDataset } from "../dataset-reader.ts";
import { type Item, StorageError } from "../run-storage.ts";
import { readJournalItems } from "./merged-items.ts";
import { type Replayed, replayJournal } from "./replay.ts";
import { findJournalEnd } from "./scan-lines.ts";
import { ignoreMissing, toStorageError } from "./storage-failure.ts";

/** A dataset that a storage folder holds. */
export interface StoredDataset {
  name: string;
  items: number;
  /** `journal`: its crawl is under way, or was killed before it wrote the files. */
  source: "files" | "journal";
  /** Each call reads the same items anew. */
  read(): AsyncGenerator<Item>;
}

export interface StoredDatasets {
  /** By name. */
  datasets: StoredDataset[];
  /** Journals that cannot be read, a sentence each: what they hold beside the files is missing above. */
  problems: string[];
}

interface ReadJournal {
  path: string;
  sizeBytes: number;
  modifiedMs: number;
  replayed: Replayed;
}

/**
 * What a storage folder holds by now, whether its crawls have ended or not. Nothing in it is changed, no lock is asked for.
 *
 * A crawl writes its datasets out when it ends; until then, and when it is killed, its journal alone has them. So the
 * files count where the last crawl that had the dataset closed its journal and they are as many.
 * @throws {StorageError} when the folder cannot be read
 */
export async function findDatasets(storageDir: string): Promise<StoredDatasets> {
  const files = await countDatasetFiles(storageDir);
  const problems: string[] = [];
  const journals: ReadJournal[] = [];
  for (const file of await listJournals(storageDir)) {
    try {
      const journal = await readJournal(file);
      if (journal) journals.push(journal);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      problems.push(error.message);
    }
  }
  journals.sort((a, b) => b.modifiedMs - a.modifiedMs);
  const names = new Set([
    ...files.keys(),
    ...journals.flatMap(({ replayed }) => [...replayed.itemKeys.keys()]),
  ]);
  const datasets = [...names].sort().map((name): StoredDataset => {
    const journal = journals.find(({ replayed }) => replayed.itemKeys.has(name));
    const count = files.get(name);
    const inJournal = journal?.replayed.itemKeys.get(name)?.size;
    if (!journal || (journal.replayed.isClosed && count === inJournal))
      return { name, items: count!, source: "files", read: () => readDataset(storageDir, name) };
    const { path: file, sizeBytes, replayed } = journal;
    return {
      name,
      items: inJournal!,
      source: "journal",
      read: () => readJournalItems({ path: file, sizeBytes, itemKeys: replayed.itemKeys }, name),
    };
  });
  return { datasets, problems };
}

async function listJournals(storageDir: string): Promise<string[]> {
  const folder = path.join(storageDir, "request_queues");
  try {
    const entries = (await readdir(folder, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => path.join(folder, name, "journal.jsonl"));
  } catch (cause) {
    throw toStorageError(`cannot read ${folder}`, cause);
  }
}

/** Up to its last whole line: its crawl may be writing the next one. `null` where a queue has none. */
async function readJournal(file: string): Promise<ReadJournal | null> {
  try {
    const found = await stat(file).catch(ignoreMissing);
    if (!found) return null;
    const { mtimeMs: modifiedMs } = found;
    const sizeBytes = await findJournalEnd(file);
    return { path: file, sizeBytes, modifiedMs, replayed: await replayJournal(file, sizeBytes) };
  } catch (cause) {
    throw toStorageError(`cannot read ${file}`, cause);
  }
}
