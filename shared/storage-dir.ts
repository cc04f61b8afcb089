import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { StorageError } from "./crawl/run-storage.ts";
import { makeFolder } from "./make-folder.ts";

/**
 * Makes the storage folder where there is none, and writes to it: what cannot be is found before anything is begun.
 * @throws {StorageError} with its setting's name
 */
export async function assertStorageDir(storageDir: string): Promise<void> {
  const probe = path.join(storageDir, `.probe-${randomUUID()}`);
  try {
    await makeFolder(storageDir);
    await writeFile(probe, "");
    await rm(probe);
  } catch (cause) {
    throw new StorageError(`STORAGE_DIR ${storageDir} cannot be used: ${(cause as Error).message}`, {
      cause,
    });
  }
}
