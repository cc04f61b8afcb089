import { StorageError } from "../run-storage.ts";

/** @param failed what could not be done, with the path: "cannot write storage/…" */
export function toStorageError(failed: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  return new StorageError(`${failed}: ${(cause as Error).message}`, { cause });
}

/** For `.catch`, where a file that is not there is no failure. */
export function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
