import { join } from "node:path";
import { StorageError } from "../run-storage.ts";

const QUEUE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;

/** @throws {StorageError} for a name that could lead out of `request_queues` */
export function queueFolder(storageDir: string, name: string): string {
  if (!QUEUE_NAME.test(name)) {
    throw new StorageError(
      `queue name ${JSON.stringify(name)}: expected a letter or digit, then up to 62 letters, digits, ".", "_" or "-"`,
    );
  }
  return join(storageDir, "request_queues", name);
}

export function datasetsFolder(storageDir: string): string {
  return join(storageDir, "datasets");
}

export function recordsFolder(storageDir: string): string {
  return join(storageDir, "key_value_stores", "default");
}
