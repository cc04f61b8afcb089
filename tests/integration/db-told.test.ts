import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Item } from "../../shared/crawl/run-storage.ts";
import type { Database } from "../../shared/db/database.ts";
import { itemKey, type DatasetName } from "../../shared/datasets.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

// What an item does not have is not told, and its column keeps what it has; what is `null` in it is none.

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());

const START = Date.now() - 24 * 3_600_000;
const after = (hours: number) => new Date(START + hours * 3_600_000).toISOString();

/** Columns that no item has: our own, those of people, and those that follow from others. */
const OWN = `id first_seen_at last_scraped_at next_due_at last_run_id about_at profile_at rules_at metrics_at
  requirements_at availability_since availability_confirmations availability_confirmed_at availability_at deleted_at
  growth_24h growth_7d growth_30d follower_growth_rate_daily follower_growth_rate_weekly previous_usernames
  last_post_at known_until discovery_source discovery_date total_api_calls`;
const PEOPLES = `review primary_category tags tags_updated_at tags_updated_by notes review_suggestion
  review_suggestion_terms our_creator status review_status reviewed_at reviewed_by niche categories body_tags
  tag_confidence tags_analyzed_at model_version`;
const OTHERS = new Set(`${OWN} ${PEOPLES}`.split(/\s+/));

/** Key columns, and values that a column's check wants. */
const TABLES: [table: string, key: Item][] = [
  ["reddit_subreddits", { name: "node" }],
  ["reddit_posts", { reddit_id: "p" }],
  ["reddit_users", { username: "jo" }],
  ["instagram_creators", { ig_user_id: "1" }],
  ["instagram_posts", { media_id: "2" }],
  ["instagram_reels", { media_id: "3" }],
];
const CHECKED: Item = { availability: "private", history_hidden: "no" };
const VALUES: Record<string, unknown> = {
  text: "x",
  boolean: true,
  integer: 7,
  bigint: 7,
  smallint: 7,
  "double precision": 0.5,
  "timestamp with time zone": "2026-01-02T03:04:05.000Z",
  jsonb: [{ a: null }],
  ARRAY: ["x"],
};

describe.each(TABLES)("%s", (table, key) => {
  it("keeps what is not told, and has none where none is told", async () => {
    const { rows: columns } = await database.pool.query<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns
      where table_schema = 'public' and table_name = $1 order by ordinal_position`,
      [table],
    );
    const told = columns.filter(({ name }) => !OTHERS.has(name) && !(name in key));
    const fields = Object.fromEntries(
      told.map(({ name, type }) => [name, CHECKED[name] ?? VALUES[type]] as const),
    );
    const nothing = Object.fromEntries(told.map(({ name }) => [name, null]));
    const stored = async () => {
      const { rows } = await database.pool.query<Item>(`select * from ${table}`);
      expect(rows).toHaveLength(1);
      const row = JSON.parse(JSON.stringify(rows[0])) as Item;
      return Object.fromEntries(told.map(({ name }) => [name, row[name]]));
    };

    await upsert(table, { ...key, ...fields, observed_at: after(0) });
    expect(await stored()).toEqual(fields);
    await upsert(table, { ...key, observed_at: after(1) });
    expect(await stored()).toEqual(fields);
    for (const [hour, { name }] of told.entries()) {
      // A reason is one of an availability, and comes with it.
      const none = name === "availability_reason" ? { availability: null, [name]: null } : { [name]: null };
      await upsert(table, { ...key, ...none, observed_at: after(2 + hour / 100) });
      expect(await stored()).toEqual({ ...fields, ...pick(nothing, told.slice(0, hour + 1)) });
    }
    await upsert(table, { ...key, ...fields, observed_at: after(4) });
    await upsert(table, { ...key, ...nothing, observed_at: after(5) });
    expect(await stored()).toEqual(nothing);
  });
});

it("names that Postgres holds for one are one, whatever JavaScript makes of them", async () => {
  const items = ["İstanbul", "istanbul", "ΟΔΟΣ", "οδοσ"].map((name) => ({ name, observed_at: after(0) }));
  await upsert("reddit_subreddits", ...items);
  await upsert("reddit_discoveries", ...items.map((item) => ({ ...item, seen_in: "r/a" })));
  const { rows } = await database.pool.query(
    "select lower(name) as name from reddit_subreddits where name <> 'node' order by 1",
  );
  expect(rows).toEqual([{ name: "istanbul" }, { name: "οδοσ" }]);
});

it("words against a subreddit are found in any form, and only as words", async () => {
  await database.pool.query("insert into review_keywords (term, weight) values ('café', 1)");
  const suggest = async (text: string) =>
    (await database.pool.query("select terms from suggest_review($1)", [text])).rows[0].terms;
  for (const form of ["Le Café", "le cafe\u0301", "ＬＥ ＣＡＦÉ", "ca\u00adfé\u200b", "LE CAFE\u0301!"])
    expect([form, await suggest(form)]).toEqual([form, ["café"]]);
  expect(await suggest("𝐩𝐨𝐥𝐢𝐭𝐢𝐜𝐬 of cafés")).toEqual(["politics"]);
  expect(await suggest("cafe, cafés")).toBeNull();
});

function pick(fields: Item, columns: readonly { name: string }[]): Item {
  return Object.fromEntries(columns.map(({ name }) => [name, fields[name]]));
}

/** As a run's commit brings them. */
async function upsert(dataset: string, ...items: Item[]): Promise<void> {
  const rows = items.map((item) => ({ key: itemKey(dataset as DatasetName, item), item }));
  await database.pool.query(
    `select upsert_items('upsert_' || $1, array(
      select row($1, i->>'key', i->'item', n)::pushed_item
      from jsonb_array_elements($2::jsonb) with ordinality as e(i, n)), 'run1')`,
    [dataset, JSON.stringify(rows)],
  );
  const { rows: failed } = await database.pool.query("select reason from failed_items");
  expect(failed).toEqual([]);
}
