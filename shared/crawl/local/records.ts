import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../make-folder.ts";
import { StorageError } from "../run-storage.ts";
import { toJson } from "./json.ts";
import { ignoreMissing, toStorageError } from "./storage-failure.ts";

const KEY = /^[a-zA-Z0-9!\-_.'()]{1,256}$/;

/** Key-value records as files of one folder, `<key>.json`: Crawlee's layout. */
export class Records {
  readonly #folder: string;
  readonly #temporary: string;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
    // Other crawls may use the folder at the same time.
    this.#temporary = join(folder, `.record-${randomUUID()}.new`);
  }

  async get(key: string): Promise<unknown> {
    const path = this.#path(key);
    try {
      const text = await readFile(path, "utf8").catch(ignoreMissing);
      return text === null ? undefined : JSON.parse(text);
    } catch (cause) {
      throw toStorageError(`cannot read ${path}`, cause);
    }
  }

  /** One at a time, in the order of the calls: the last one counts. */
  set(key: string, value: unknown): Promise<void> {
    const path = this.#path(key);
    const text = value === undefined ? null : toJson(value, `record ${key}`);
    const write = this.#lastWrite.then(() => this.#write(path, text));
    // Its own caller hears of a failure.
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  /** Resolves when every write has ended. */
  async settled(): Promise<void> {
    await this.#lastWrite;
  }

  async #write(path: string, text: string | null): Promise<void> {
    try {
      if (text === null) return await rm(path, { force: true });
      await makeFolder(this.#folder);
      await writeFile(this.#temporary, text, { flush: true });
      await rename(this.#temporary, path);
    } catch (cause) {
      throw toStorageError(`cannot write ${path}`, cause);
    }
  }

  #path(key: string): string {
    if (KEY.test(key)) return join(this.#folder, `${key}.json`);
    throw new StorageError(
      `record key ${JSON.stringify(key)}: expected 1 to 256 of a-z, A-Z, 0-9, "!", "-", "_", ".", "'", "(" and ")"`,
    );
  }
}
