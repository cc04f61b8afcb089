import type { Pool, PoolClient } from "pg";
import type { Item } from "../crawl/run-storage.ts";
import { isAway } from "../db/retry.ts";
import { InvalidInputError } from "../errors.ts";

export interface DatabaseSource {
  /** Of a table or view, or with `runId` of a dataset. */
  name: string;
  runId?: string | undefined;
  /** SQL condition on the columns of the table, or on `item` (jsonb) and `key` of the dataset. */
  where?: string | undefined;
}

/** Of one fetch. */
const MAX_ROWS = 500;
const MAX_BYTES = 4_000_000;
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** The longest that a timer of Node's can wait. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Rows of a table, in no order, or a run's items, in the order of first sight, read through a cursor: each call reads
 * them anew, some at a time in memory.
 * @throws {InvalidInputError} naming what there is, when there is no such table, run or dataset
 */
export async function selectFromDatabase(
  pool: Pool,
  { name, runId, where }: DatabaseSource,
): Promise<() => AsyncGenerator<Item>> {
  const condition = where === undefined ? "true" : `(${where}\n)`;
  if (runId === undefined) {
    await assertTable(pool, name);
    return () => readRows(pool, `select to_jsonb(t) as item from "${name}" t where ${condition}`, where);
  }
  const { id, day } = await findDataset(pool, runId, name);
  const from = `from dataset_items where day = '${day}' and dataset_id = ${id} and ${condition}`;
  return () => readRows(pool, `select item ${from} order by place`, where);
}

async function* readRows(pool: Pool, select: string, where: string | undefined): AsyncGenerator<Item> {
  const client = await pool.connect();
  try {
    await client.query("begin read only; set local statement_timeout = 0");
    await client.query("set local idle_in_transaction_session_timeout = 0");
    // The extended protocol takes one statement alone, whatever the condition holds.
    await run(client, { text: `declare rows no scroll cursor for ${select}`, queryMode: "extended" });
    for (;;) {
      const rows = await run(client, {
        text: `select * from fetch_texts('rows', ${MAX_BYTES}, ${MAX_ROWS}) as item`,
      });
      for (const { item } of rows) yield JSON.parse(item) as Item;
      if (rows.length === 0) return;
    }
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    // What the database refuses: of the rest of the statement nothing was somebody's input.
    if (where === undefined || isAway(error) || !SQLSTATE.test(code)) throw error;
    throw new InvalidInputError(`--where ${JSON.stringify(where)}: ${message}`, { cause: error });
  } finally {
    // The connection goes, and with it the transaction.
    client.release(true);
  }
}

async function run(
  client: PoolClient,
  query: { text: string; queryMode?: string },
): Promise<{ item: string }[]> {
  const { rows } = await client.query<{ item: string }>({ ...query, query_timeout: FOREVER_MS } as {
    text: string;
  });
  return rows;
}

async function assertTable(pool: Pool, name: string): Promise<void> {
  const { rows } = await pool.query<{ relname: string; is_dataset: boolean }>(
    `select relname from pg_class where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v') and not relispartition order by 1`,
  );
  const names = rows.map(({ relname }) => relname);
  if (names.includes(name)) return;
  throw new InvalidInputError(
    `no table ${JSON.stringify(name)}; there are: ${names.join(", ")}; datasets belong to a run: --run <id>`,
  );
}

async function findDataset(pool: Pool, runId: string, name: string): Promise<{ id: number; day: string }> {
  const { rows } = await pool.query<{ name: string | null; id: number; day: string }>(
    `select d.name, d.id, d.day from runs r left join datasets d on d.run_number = r.number
    where r.id = $1 order by d.name`,
    [runId],
  );
  if (rows.length === 0) throw new InvalidInputError(`no run ${JSON.stringify(runId)}`);
  const dataset = rows.find((row) => row.name === name);
  if (dataset) return dataset;
  const names = rows.flatMap((row) => row.name ?? []).join(", ") || "none";
  throw new InvalidInputError(`no dataset ${JSON.stringify(name)} in run ${runId}; there are: ${names}`);
}
