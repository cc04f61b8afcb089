import type { Dirent } from "node:fs";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { assertRequestVersion, FitCheck, type QueueFit } from "../queue-fit.ts";
import type { NewRequest, RunStorage } from "../run-storage.ts";
import { steadyNow } from "../../steady-clock.ts";
import { compactJournal, isWorthCompacting, unfinishedPath } from "./compaction.ts";
import { datasetsFolder, queueFolder, recordsFolder } from "./folders.ts";
import { openLine } from "./journal-lines.ts";
import { JournalRunStorage } from "./journal-run-storage.ts";
import type { OpenedJournal } from "./journal-run-storage.ts";
import { Journal } from "./journal.ts";
import { acquireLock, isLockFile } from "./lock.ts";
import { replayJournal } from "./replay.ts";
import type { ItemCounts, Replayed } from "./replay.ts";
import { RequestQueue } from "./request-queue.ts";
import { findJournalEnd } from "./scan-lines.ts";
import { ignoreMissing, toStorageError } from "./storage-failure.ts";

export interface LocalRunStorage extends RunStorage {
  /** What opening had to repair or tidy up, a sentence each. */
  readonly notes: readonly string[];
  /**
   * Writes all datasets into `<storageDir>/datasets`, complete and without doubles.
   * @returns items by dataset
   */
  writeDatasets(): Promise<ItemCounts>;
}

export interface LocalRunStorageOptions {
  storageDir: string;
  /** Names the queue: `<storageDir>/request_queues/<name>`. */
  name: string;
  /** What its requests must fit. @default they are not looked at */
  fit?: QueueFit | undefined;
  /** Milliseconds since the epoch. @default steadyNow */
  now?: () => number;
}

/**
 * Opens a crawl's queue, or creates it: a journal that one process at a time may have. Goes on where the last
 * process ended, however it ended.
 * @throws {StorageError} when another process has it, or the journal is damaged in its middle
 * @throws {UnfitQueueError} when another version has written it; then the journal is as it was
 */
export async function openLocalRunStorage({
  storageDir,
  name,
  fit,
  now = steadyNow,
}: LocalRunStorageOptions): Promise<LocalRunStorage> {
  const folder = queueFolder(storageDir, name);
  try {
    const release = await acquireLock(folder);
    try {
      const opened = await openJournal(join(folder, "journal.jsonl"), fit);
      return new JournalRunStorage({ ...opened, storageDir, now, release });
    } catch (error) {
      await release();
      throw error;
    }
  } catch (cause) {
    throw toStorageError(`cannot open ${folder}`, cause);
  }
}

/**
 * Removes what the last crawl of this name has left, so that the next one starts fresh: its queue, all datasets, and
 * all key-value records but `INPUT…`. Nothing else is touched, nor what links among them lead to.
 * @returns what was removed, relative to `storageDir`
 * @throws {StorageError} while another process has the queue open, and when the folder cannot be written
 */
export async function purgeLocalStorage({
  storageDir,
  name,
}: {
  storageDir: string;
  name: string;
}): Promise<string[]> {
  const queue = queueFolder(storageDir, name);
  try {
    return await purge(storageDir, queue);
  } catch (cause) {
    throw toStorageError(`cannot remove what is in ${storageDir}`, cause);
  }
}

async function purge(storageDir: string, queue: string): Promise<string[]> {
  const release = await acquireLock(queue);
  try {
    const datasets = await list(datasetsFolder(storageDir), (entry) => entry.isDirectory());
    const records = await list(
      recordsFolder(storageDir),
      (entry) => entry.isFile() && !entry.name.startsWith("INPUT"),
    );
    // The journal goes last: until then a purge that was killed can be resumed from as if it had never begun.
    const journal = await list(queue, (entry) => !isLockFile(entry.name));
    const paths = [...datasets, ...records, ...journal];
    for (const path of paths) await rm(path, { recursive: true });
    return paths.map((path) => relative(storageDir, path));
  } finally {
    await release();
  }
}

async function openJournal(path: string, fit: QueueFit | undefined): Promise<OpenedJournal> {
  const notes: string[] = [];
  await writeFile(path, "", { flag: "a" });
  const { size } = await stat(path);
  let sizeBytes = await findJournalEnd(path);
  if (sizeBytes < size) {
    notes.push(`dropped the last ${size - sizeBytes} bytes of ${path}: a line that was never finished`);
  }
  const replayed = await replayJournal(path, sizeBytes);
  if (fit) assertFits(path, replayed, fit);
  await rm(unfinishedPath(path), { force: true });
  if (isWorthCompacting(sizeBytes, replayed)) {
    const before = sizeBytes;
    sizeBytes = await compactJournal(path, before, replayed);
    notes.push(`compacted ${path} from ${before} to ${sizeBytes} bytes`);
  }
  const { state, itemKeys, lookups, requestVersion } = replayed;
  const journal = await Journal.open(path, sizeBytes);
  try {
    await journal.write(openLine(state.crashes, fit?.requestVersion ?? requestVersion ?? 1));
  } catch (error) {
    await journal.close();
    throw error;
  }
  return { path, journal, queue: new RequestQueue(state), itemKeys, lookups, notes };
}

function assertFits(path: string, { state, requestVersion }: Replayed, fit: QueueFit): void {
  if (requestVersion !== null) assertRequestVersion(requestVersion, fit, path);
  const check = new FitCheck(fit, path);
  for (const { json } of state.entries.values()) check.add(JSON.parse(json) as NewRequest);
  check.assertFit();
}

/** Paths of the folder's entries that are `wanted`, sorted by name; none when there is no such folder. */
async function list(folder: string, wanted: (entry: Dirent) => boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ignoreMissing);
  return (entries ?? [])
    .filter(wanted)
    .map((entry) => join(folder, entry.name))
    .sort();
}
