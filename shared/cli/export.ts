import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { defineCommand } from "citty";
import { stringify } from "csv-stringify";
import { readConfig } from "../config.ts";
import { listDatasets, readDataset } from "../crawl/dataset-reader.ts";
import type { Item } from "../crawl/run-storage.ts";
import { CSV_OPTIONS } from "../csv.ts";
import { InvalidInputError } from "../errors.ts";
import { API_ARGS, found, withApi } from "./api.ts";
import { type DatabaseSource, selectFromDatabase } from "./export-database.ts";
import type { RunAnswer } from "./run-format.ts";

const FORMATS = ["csv", "jsonl", "json"];

export const exportDataset = defineCommand({
  meta: {
    name: "export",
    description:
      "Print a dataset of the storage folder, a table or dataset of the database, or with two names a run's dataset by the server; or write it to a file",
  },
  args: {
    dataset: {
      type: "positional",
      description: "name of the dataset or table; or a run's id",
      required: true,
    },
    of: { type: "positional", description: "name of that run's dataset", required: false },
    format: { type: "string", description: FORMATS.join(", "), default: "jsonl" },
    out: { type: "string", description: "file; default: standard output" },
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
    const { dataset, storage, run, where } = args;
    const save = async (items: Items) => {
      if (args.out === undefined) await write(items, args.format, process.stdout);
      else await writeFileWhole(args.out, (stream) => write(items, args.format, stream));
    };
    if (args.of !== undefined) return withServerItems(args, dataset, args.of, save);
    if (args.db) {
      if (storage) throw new InvalidInputError("--storage: with --db there is no storage folder");
      return withDatabaseItems({ name: dataset, runId: run, where }, save);
    }
    if (run !== undefined || where !== undefined)
      throw new InvalidInputError("--run and --where are about the database: add --db");
    const { storageDir } = readConfig({ ...process.env, ...(storage && { STORAGE_DIR: storage }) });
    const names = await listDatasets(storageDir);
    if (!names.includes(dataset)) {
      throw new InvalidInputError(
        `no dataset ${JSON.stringify(dataset)} in ${storageDir}; there are: ${names.join(", ") || "none"}`,
      );
    }
    await save(() => readDataset(storageDir, dataset));
  },
});

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

/** A reader of the file sees the old content or the new, never a part. */
async function writeFileWhole(file: string, fill: (stream: Writable) => Promise<void>): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await fill(createWriteStream(temporary));
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function write(items: Items, format: string, stream: Writable): Promise<void> {
  try {
    if (format === "csv") await writeCsv(items, stream);
    else await pipeline(Readable.from(format === "json" ? toJson(items()) : toJsonLines(items())), stream);
  } catch (error) {
    // `b9 export … | head` has read enough.
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}

async function* toJsonLines(items: AsyncGenerator<Item>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`;
}

async function* toJson(items: AsyncGenerator<Item>): AsyncGenerator<string> {
  let separator = "[\n";
  for await (const item of items) {
    yield `${separator}${JSON.stringify(item)}`;
    separator = ",\n";
  }
  yield separator === "[\n" ? "[]\n" : "\n]\n";
}

/** Items do not all carry the same fields: a first pass collects the columns. */
async function writeCsv(items: Items, stream: Writable): Promise<void> {
  const columns = new Set<string>();
  for await (const item of items()) for (const name of Object.keys(item)) columns.add(name);
  const csv = stringify({
    header: true,
    columns: [...columns],
    ...CSV_OPTIONS,
  });
  await pipeline(Readable.from(items()), csv, stream);
}
