import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { defineCommand } from "citty";
import { readConfig } from "../config.ts";
import { findDatasets, type StoredDataset } from "../crawl/local/stored-datasets.ts";
import { toStorageError } from "../crawl/local/storage-failure.ts";
import { type Item, StorageError } from "../crawl/run-storage.ts";
import { DELIMITER, isDelimiter } from "../csv.ts";
import { InvalidInputError } from "../errors.ts";
import { type FormatOptions, formatItems, type ItemFormat } from "../runs/storages/item-formats.ts";
import { API_ARGS, found, withApi } from "./api.ts";
import { type DatabaseSource, selectFromDatabase } from "./export-database.ts";
import { print, printError } from "./print.ts";
import { count, type RunAnswer } from "./run-format.ts";
import { formatTable } from "./table.ts";

const FORMATS: readonly string[] = ["csv", "jsonl", "json"] satisfies ItemFormat[];

export const exportDataset = defineCommand({
  meta: {
    name: "export",
    description:
      "Print a dataset of the storage folder, a table or dataset of the database, or with two names a run's dataset by the server; or write it to a file",
  },
  args: {
    dataset: {
      type: "positional",
      description:
        "name of the dataset or table, or a run's id; without one, lists those of the storage folder",
      required: false,
    },
    of: { type: "positional", description: "name of that run's dataset", required: false },
    format: { type: "string", description: FORMATS.join(", "), default: "jsonl" },
    out: { type: "string", description: "file; default: standard output" },
    bom: {
      type: "boolean",
      description:
        "a byte order mark in front, which Excel needs; default: of a csv file; --no-bom leaves it out",
    },
    delimiter: { type: "string", description: "between the cells of csv; default: a comma" },
    raw: {
      type: "boolean",
      description:
        "csv without the apostrophe before texts that a spreadsheet would run, and as it is on a terminal",
      default: false,
    },
    storage: { type: "string", description: "storage folder; default: STORAGE_DIR" },
    db: { type: "boolean", description: "of the database", default: false },
    run: { type: "string", description: "with --db: the run whose dataset it is; default: a table" },
    url: API_ARGS.url,
    where: {
      type: "string",
      description:
        "with --db: SQL condition on the table's columns, or on item (jsonb) and key of a run's dataset",
    },
  },
  async run({ args }) {
    if (!FORMATS.includes(args.format)) {
      throw new InvalidInputError(
        `--format: expected ${FORMATS.join(", ")}, got ${JSON.stringify(args.format)}`,
      );
    }
    const { dataset = "", storage, run, where, out, delimiter, raw } = args;
    if (delimiter !== undefined && !isDelimiter(delimiter))
      throw new InvalidInputError(`--delimiter: expected ${DELIMITER}, got ${JSON.stringify(delimiter)}`);
    const format = args.format as ItemFormat;
    const options: FormatOptions = {
      columns: null,
      bom: args.bom ?? (format === "csv" && out !== undefined),
      delimiter,
      raw,
      isPrinted: out === undefined && !raw,
    };
    const save = async (items: Items) => {
      const text = await formatItems(format, () => toPages(items()), options);
      if (out === undefined) await printItems(text);
      else await writeFileWhole(out, text);
    };
    if (storage === "") throw new InvalidInputError('--storage: expected a folder, got ""');
    if (args.of !== undefined) return withServerItems(args, dataset, args.of, save);
    if (args.db) {
      if (storage) throw new InvalidInputError("--storage: with --db there is no storage folder");
      return withDatabaseItems({ name: dataset, runId: run, where }, save);
    }
    if (run !== undefined || where !== undefined)
      throw new InvalidInputError("--run and --where are about the database: add --db");
    const { storageDir } = readConfig({ ...process.env, ...(storage && { STORAGE_DIR: storage }) });
    await stat(storageDir).catch((cause: Error) => {
      throw new InvalidInputError(`there is no storage folder ${storageDir}: ${cause.message}`, { cause });
    });
    const { datasets, problems } = await findDatasets(storageDir);
    if (args.dataset === undefined) return list(datasets, problems);
    const wanted = datasets.find(({ name }) => name === dataset);
    for (const problem of problems) printError(problem);
    if (!wanted) {
      if (problems.length > 0) throw new StorageError(`dataset ${JSON.stringify(dataset)} may be in there`);
      const names = datasets.map(({ name, items }) => `${name} (${count(items)})`).join(", ") || "none";
      throw new InvalidInputError(
        `no dataset ${JSON.stringify(dataset)} in ${storageDir}; there are: ${names}`,
      );
    }
    await save(() => wanted.read());
  },
});

function list(datasets: readonly StoredDataset[], problems: readonly string[]): void {
  const rows = datasets.map(({ name, items, source }) => [
    name,
    count(items),
    source === "files" ? "" : "its crawl has not ended: so far",
  ]);
  print(formatTable(["dataset", "items", ""], rows, { left: [2] }));
  for (const problem of problems) printError(problem);
  if (problems.length > 0) process.exitCode = 1;
}

/** Each call reads them anew. */
type Items = () => AsyncGenerator<Item>;

async function withDatabaseItems(
  source: DatabaseSource,
  save: (items: Items) => Promise<void>,
): Promise<void> {
  // A local export does without the database's libraries.
  const { openDatabase } = await import("../db/database.ts");
  const database = await openDatabase(readConfig(), { max: 2, applicationName: "b9 export" });
  try {
    await save(await selectFromDatabase(database.pool, source));
  } finally {
    await database.close();
  }
}

/** Items of one page: read as they are written. */
const PAGE = 1000;
/** Formatted at a time. */
const ITEMS_A_PART = 200;

async function withServerItems(
  args: { url?: string; db: boolean; storage?: string; run?: string; where?: string },
  runId: string,
  name: string,
  save: (items: Items) => Promise<void>,
): Promise<void> {
  const { db, storage, run, where } = args;
  if (db || [storage, run, where].some((option) => option !== undefined))
    throw new InvalidInputError("--db, --storage, --run, --where: a run's dataset comes from the server");
  await withApi(args, async ({ client }) => {
    const { storageIds } = found(await client.run(runId).get(), `run ${runId}`) as RunAnswer;
    const { default: _, ...datasets }: Record<string, string> = storageIds?.datasets ?? {};
    const id = datasets[name];
    if (id === undefined) {
      const names = Object.keys(datasets).join(", ") || "none";
      throw new InvalidInputError(`run ${runId} has no dataset ${JSON.stringify(name)}; there are: ${names}`);
    }
    await save(async function* () {
      for (let offset = 0; ; offset += PAGE) {
        const { items } = await client.dataset<Item>(id).listItems({ offset, limit: PAGE });
        yield* items;
        if (items.length < PAGE) return;
      }
    });
  });
}

async function* toPages(items: AsyncGenerator<Item>): AsyncGenerator<Item[]> {
  let page: Item[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < ITEMS_A_PART) continue;
    yield page;
    page = [];
  }
  yield page;
}

/**
 * A reader of the file sees the old content or the new, never a part. What is no file (a pipe, a device) is written to.
 * @throws {StorageError} when it cannot be written
 */
async function writeFileWhole(file: string, text: AsyncGenerator<string>): Promise<void> {
  const isFile = (await stat(file).catch(() => null))?.isFile() ?? true;
  const temporary = isFile ? `${file}.${process.pid}.tmp` : file;
  try {
    await pipeline(Readable.from(text), createWriteStream(temporary));
    if (isFile) await rename(temporary, file);
  } catch (error) {
    if (isFile) await rm(temporary, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw toStorageError(`cannot write ${file}`, error);
  }
}

/** `b9 export … | head` has read enough; of other trouble with its output the process has told. */
async function printItems(text: AsyncGenerator<string>): Promise<void> {
  for await (const part of text) {
    const failure = await new Promise((resolve) => process.stdout.write(part, resolve));
    if (failure) return;
  }
}
