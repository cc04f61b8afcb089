import { StorageError } from "../run-storage.ts";

/** @param failed what could not be done, with the path: "cannot write storage/…" */
export function toStorageError(failed: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  return new StorageError(`${failed}: ${(cause as Error).message}`, { cause });
}
