import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { formatTable } from "../shared/cli/table.ts";
import { openPostgresRunStorage } from "../shared/crawl/postgres/postgres-run-storage.ts";
import type { Item, RunStorage } from "../shared/crawl/run-storage.ts";
import { seed } from "../shared/db/seed.ts";
import { openBenchDatabase, startBenchCluster } from "./bench-database.ts";
import { reportGoal } from "./goals.ts";
import { emptyRequests } from "./overhead.ts";

/** Posts of one statement: five listing pages, as a group of commits has them. */
const BATCH = 500;
const POSTS_A_REQUEST = 100;
const BATCHES = 10;
/** Every figure is the best of so many, taken in turn: other work on the machine only makes it smaller. */
const ROUNDS = 5;
const RUN = "bench";

const GOALS = { upsert: 0.6, upsertRate: 10_000, commit: 0.35, commitRate: 5_000, clean: 1.1, bad: 2.5 };

/** Takes a batch of items whose keys the table does not have, or has. */
type Ingest = (items: Item[]) => Promise<unknown>;

/**
 * Posts a second into tables of the old system's size, 1.83 M posts: the upsert function and whole commits (mark, items,
 * history, upsert) beside a bare `insert … on conflict` of the same rows; and what the isolation of bad rows costs.
 * @returns whether the goals were met
 */
export async function benchIngest(): Promise<boolean> {
  const cluster = await startBenchCluster();
  try {
    const database = await openBenchDatabase(await cluster.createDatabase("ingest"));
    const { pool } = database;
    print("filling the tables …");
    await seed(pool, "full", () => {});
    await pool.query("select open_run($1, 'bench', '{}')", [RUN]);
    const storage = await openPostgresRunStorage({ database, runId: RUN });
    const commit = await commitsOf(storage);
    const ways: Record<string, Ingest> = {
      bare: await bareInsert(pool),
      upsert: (items) =>
        call(pool, "upsert_reddit_posts(array(select jsonb_array_elements($1)), 'bench')", items),
      commit,
      "keeping out": (items) => whileKeepingOut(pool, () => commit(items)),
      isolated: (items) => isolated(pool, items),
      "one bad": (items) => isolated(pool, items.with(BATCH / 2, { ...items[BATCH / 2]!, ...refused() })),
    };
    const rates = await measure(pool, ways);
    await storage.close();
    await database.close();
    return report(rates);
  } finally {
    await cluster.stop();
  }
}

interface Rate {
  /** Posts a second that the table does not have. */
  fresh: number;
  /** Those that it has, with other numbers. */
  again: number;
}

async function measure(pool: Pool, ways: Record<string, Ingest>): Promise<Record<string, Rate>> {
  const rates: Record<string, Rate> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, ingest] of Object.entries(ways)) {
      const batches: Item[][] = [];
      for (let i = 0; i < BATCHES; i++) batches.push(await makeItems(pool, `${name[0]}${round}x${i}`));
      const best = (rates[name] ??= { fresh: 0, again: 0 });
      best.fresh = Math.max(best.fresh, await timeAll(ingest, batches));
      for (const item of batches.flat()) {
        item["score"] = Number(item["score"]) + 1;
        item["observed_at"] = new Date().toISOString();
      }
      best.again = Math.max(best.again, await timeAll(ingest, batches));
    }
  }
  return rates;
}

/** Posts a second. */
async function timeAll(ingest: Ingest, batches: Item[][]): Promise<number> {
  let elapsedMs = 0;
  for (const batch of batches) {
    const startedAt = performance.now();
    await ingest(batch);
    elapsedMs += performance.now() - startedAt;
  }
  return ((BATCH * batches.length) / elapsedMs) * 1000;
}

/** Posts as an actor pushes them: rows of the table under other ids. */
async function makeItems(pool: Pool, prefix: string): Promise<Item[]> {
  const { rows } = await pool.query<{ item: Item }>(
    `select to_jsonb(p) - array['first_seen_at', 'last_scraped_at', 'next_due_at', 'last_run_id', 'deleted_at']
      || jsonb_build_object('reddit_id', $1 || p.reddit_id, 'observed_at', now(), 'source', '/r/bench/new') as item
    from reddit_posts p tablesample system (1) where p.reddit_id like 's%' limit ${BATCH}`,
    [prefix],
  );
  return rows.map(({ item }) => item);
}

async function bareInsert(pool: Pool): Promise<Ingest> {
  const { rows } = await pool.query<{ name: string }>(
    `select attname as name from pg_attribute
    where attrelid = 'reddit_posts'::regclass and attnum > 0 and not attisdropped and attname <> 'first_seen_at'`,
  );
  const columns = rows.map(({ name }) => name);
  const values = columns.map((name) => (name === "last_scraped_at" ? "now()" : `r.${name}`));
  const changes = columns.filter((name) => name !== "reddit_id").map((name) => `${name} = excluded.${name}`);
  const sql = `insert into reddit_posts (${columns.join(", ")})
    select ${values.join(", ")} from jsonb_populate_recordset(null::reddit_posts, $1) r
    on conflict (reddit_id) do update set ${changes.join(", ")}`;
  return (items) => pool.query(sql, [JSON.stringify(items)]);
}

function isolated(pool: Pool, items: Item[]): Promise<unknown> {
  return call(
    pool,
    `upsert_isolated('upsert_reddit_posts', array(
      select row('reddit_posts', i->>'reddit_id', i, 0)::pushed_item from jsonb_array_elements($1) i), 'bench')`,
    items,
  );
}

/** Fields that no index takes: refused as late as can be, after the rows before it. */
function refused(): Item {
  return { author_username: randomBytes(20_000).toString("hex") };
}

function call(pool: Pool, expression: string, items: Item[]): Promise<unknown> {
  return pool.query(`select ${expression}`, [JSON.stringify(items)]);
}

/** Whole commits, a page of posts each, of requests that were claimed before. */
async function commitsOf(storage: RunStorage): Promise<Ingest> {
  // New and again, of two ways.
  const requests = (BATCH / POSTS_A_REQUEST) * BATCHES * ROUNDS * 4;
  await storage.addRequests(emptyRequests(requests));
  const claimed = await storage.claimRequests(requests);
  return async (items) => {
    const pages = claimed.splice(0, BATCH / POSTS_A_REQUEST);
    const results = await storage.commitRequests(
      pages.map(({ id, attempt }, page) => ({
        id,
        attempt,
        outcome: "handled",
        children: [],
        items: items
          .slice(page * POSTS_A_REQUEST, (page + 1) * POSTS_A_REQUEST)
          .map((item) => ({ dataset: "reddit_posts", key: String(item["reddit_id"]), item })),
      })),
    );
    if (results.some((result) => result !== "done"))
      throw new Error(`expected done, got ${results.join(", ")}`);
  };
}

/** As in a database where somebody has been forgotten. */
async function whileKeepingOut(pool: Pool, work: () => Promise<unknown>): Promise<void> {
  await pool.query("select suppress('reddit_user', 'nobody_of_this_name')");
  await work();
  await pool.query("delete from suppressions");
}

function report(rates: Record<string, Rate>): boolean {
  const number = (n: number) => Math.round(n).toLocaleString("en-US");
  const rows = Object.entries(rates).map(([name, { fresh, again }]) => [name, number(fresh), number(again)]);
  print(`posts/s into 1.83 M posts, ${BATCH} a statement`);
  print(formatTable(["", "new", "seen again"], rows));
  const [bare, upsert, commit] = [rates["bare"]!.fresh, rates["upsert"]!.fresh, rates["commit"]!.fresh];
  const [clean, bad] = ["isolated", "one bad"].map((name) => upsert / rates[name]!.fresh) as [number, number];
  return [
    reportGoal(
      `upsert : bare ${(upsert / bare).toFixed(2)}, at least ${GOALS.upsert}`,
      upsert / bare >= GOALS.upsert,
    ),
    reportGoal(`upsert at least ${number(GOALS.upsertRate)}/s`, upsert >= GOALS.upsertRate),
    reportGoal(
      `commit : bare ${(commit / bare).toFixed(2)}, at least ${GOALS.commit}`,
      commit / bare >= GOALS.commit,
    ),
    reportGoal(`commit at least ${number(GOALS.commitRate)}/s`, commit >= GOALS.commitRate),
    reportGoal(
      `a clean batch costs ${clean.toFixed(2)} × one without isolation, at most ${GOALS.clean}`,
      clean <= GOALS.clean,
    ),
    reportGoal(`one bad row in ${BATCH} costs ${bad.toFixed(2)} ×, at most ${GOALS.bad}`, bad <= GOALS.bad),
  ].every(Boolean);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
