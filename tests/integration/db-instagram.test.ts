import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Item } from "../../shared/crawl/run-storage.ts";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  database = await cluster.createDatabase();
});

const HOUR = 3_600_000;
const START = Date.now() - 60 * 24 * HOUR;
const after = (hours: number) => new Date(START + hours * HOUR).toISOString();

/** Beyond 2^53: a rounded one would be another account. */
const ID = "17841400008460057";

const creator = (fields: Item = {}): Item => ({
  ig_user_id: ID,
  username: "ann",
  availability: "ok",
  availability_reason: null,
  observed_at: after(0),
  source: "api/profile",
  ...fields,
});
const reel = (fields: Item = {}): Item => ({
  media_id: "3456789012345678901",
  ig_user_id: ID,
  observed_at: after(0),
  source: "api/reels",
  ...fields,
});

describe("a creator", () => {
  it("is kept with an exact id and all that its profile and its media tell", async () => {
    await upsert(
      "instagram_creators",
      creator({ followers_count: 5_000_000_000, bio_links: [{ url: "https://a.b" }] }),
    );
    await upsert("instagram_creators", {
      ...creator({
        observed_at: after(1),
        avg_reel_plays: 12.5,
        metric_samples: { avg_reel_plays: 3 },
        api_calls: 4,
      }),
    });
    expect(await only("instagram_creators")).toMatchObject({
      ig_user_id: ID,
      followers_count: 5_000_000_000,
      bio_links: [{ url: "https://a.b" }],
      avg_reel_plays: 12.5,
      metric_samples: { avg_reel_plays: 3 },
      total_api_calls: 4,
    });
  });

  it("says which of its lists broke off, and counts as known when they are read again", async () => {
    await upsert("instagram_reels", reel({ taken_at: after(0) }));
    const figures = (hours: number, metrics_uncertain_lists: string[] | null) =>
      upsert("instagram_creators", {
        ...creator({ observed_at: after(hours) }),
        avg_reel_plays: 1,
        metrics_uncertain_lists,
      });
    await figures(1, ["reels"]);
    expect(await only("instagram_creators")).toMatchObject({
      avg_reel_plays: 1,
      metrics_uncertain_lists: ["reels"],
      known_until: null,
    });
    await figures(2, null);
    expect(await only("instagram_creators")).toMatchObject({
      metrics_uncertain_lists: null,
      known_until: new Date(after(0)),
    });
  });

  it("keeps newer numbers when an older answer comes late, and yesterday's when a profile fails", async () => {
    await upsert("instagram_creators", creator({ followers_count: 10, avg_post_likes: 7 }));
    await upsert(
      "instagram_creators",
      creator({ followers_count: 5, avg_post_likes: 1, observed_at: after(-1) }),
    );
    await upsert("instagram_creators", {
      ig_user_id: ID,
      availability: "not_found",
      availability_reason: "User not found",
      observed_at: after(24),
      source: "api/profile",
    });
    expect(await only("instagram_creators")).toMatchObject({
      username: "ann",
      followers_count: 10,
      avg_post_likes: 7,
      availability: "not_found",
      availability_confirmations: 1,
    });
  });

  it("stays one when it is renamed, and its old name is free for another account", async () => {
    await upsert("instagram_creators", creator());
    await upsert("instagram_creators", creator({ username: "anna", observed_at: after(1) }));
    await upsert(
      "instagram_creators",
      creator({ username: "anne", previous_usernames: ["annie"], observed_at: after(2) }),
    );
    await upsert("instagram_creators", creator({ ig_user_id: "2", observed_at: after(3) }));
    expect(
      await query("select ig_user_id, username, previous_usernames from instagram_creators order by 1"),
    ).toEqual([
      { ig_user_id: ID, username: "anne", previous_usernames: ["ann", "annie", "anna"] },
      { ig_user_id: "2", username: "ann", previous_usernames: [] },
    ]);
  });

  it("keeps what people wrote", async () => {
    await upsert("instagram_creators", creator());
    await query(`update instagram_creators set review_status = 'ok', niche = 'yoga', categories = '{a,b}', notes = 'x',
      reviewed_by = 'me', reviewed_at = '2026-01-01'`);
    await upsert(
      "instagram_creators",
      creator({
        review_status: "non_related",
        niche: "no",
        categories: [],
        notes: null,
        observed_at: after(1),
      }),
    );
    await upsert("instagram_related", related("9", ID));
    expect(
      await query(`select review_status, niche, categories, notes, reviewed_by from instagram_creators`),
    ).toEqual([
      { review_status: "ok", niche: "yoga", categories: ["a", "b"], notes: "x", reviewed_by: "me" },
    ]);
  });

  it("has a history of its numbers, at most a row an hour, and its growth from that", async () => {
    const followers: [number, number][] = [
      [0, 1000],
      [0.5, 1001],
      [6 * 24, 1100],
      [7 * 24, 1100],
      [7 * 24 + 2, 1210],
    ];
    for (const [hours, count] of followers)
      await upsert("instagram_creators", creator({ followers_count: count, observed_at: after(hours) }));
    expect(
      await query("select followers_count from instagram_creators_history order by observed_at"),
    ).toEqual([{ followers_count: 1000 }, { followers_count: 1100 }, { followers_count: 1210 }]);
    const growth = { daily: 10, weekly: 21 };
    const rates = `follower_growth_rate_daily as daily, follower_growth_rate_weekly as weekly`;
    expect(rounded(await query(`select ${rates} from instagram_creators`))).toEqual([growth]);
    const view = "growth_rate_daily as daily, growth_rate_weekly as weekly";
    expect(rounded(await query(`select ${view} from instagram_creator_growth`))).toEqual([growth]);
  });
});

describe("a reel", () => {
  it("takes the newest observation, leaves alone what an item does not carry, and keeps a history", async () => {
    await upsert(
      "instagram_reels",
      reel({ play_count: 3_000_000_000, like_count: 5, caption_text: "hi", hashtags: ["a"] }),
    );
    await upsert(
      "instagram_reels",
      reel({ play_count: 3_000_000_100, like_count: null, likes_hidden: true, observed_at: after(2) }),
    );
    await upsert("instagram_reels", reel({ play_count: 1, observed_at: after(1) }));
    expect(await only("instagram_reels")).toMatchObject({
      media_id: "3456789012345678901",
      play_count: 3_000_000_100,
      like_count: null,
      likes_hidden: true,
      caption_text: "hi",
      hashtags: ["a"],
    });
    expect(
      await query("select play_count, like_count from instagram_reels_history order by observed_at"),
    ).toEqual([
      { play_count: 3_000_000_000, like_count: 5 },
      { play_count: 3_000_000_100, like_count: null },
    ]);
  });

  it("tells when its creator last posted, whichever of the two came first", async () => {
    await upsert("instagram_reels", reel({ taken_at: after(-5) }));
    await upsert("instagram_creators", creator());
    await upsert(
      "instagram_posts",
      reel({ media_id: "1", taken_at: after(-3) }),
      reel({ media_id: "2", taken_at: after(-9) }),
    );
    expect(await query("select last_post_at from instagram_creators")).toEqual([
      { last_post_at: new Date(after(-3)) },
    ]);
  });
});

describe("related creators", () => {
  it("become rows that nobody has reviewed, with their source, once", async () => {
    await upsert("instagram_related", related(ID, "2"), related(ID, "3"));
    await upsert("instagram_related", related("7", "2", 5));
    expect(
      await query(
        "select ig_user_id, username, review_status, discovery_source, last_scraped_at from instagram_creators",
      ),
    ).toEqual(
      ["2", "3"].map((id) => ({
        ig_user_id: id,
        username: `user${id}`,
        review_status: null,
        discovery_source: `related:${ID}`,
        last_scraped_at: null,
      })),
    );
    expect(await query("select count(*) as edges from instagram_related")).toEqual([{ edges: 3 }]);
  });
});

describe("creators that are due", () => {
  it("are handed out once, reviewed ones first, with what is known of them", async () => {
    await upsert("instagram_related", related(ID, "2"), related(ID, "3"));
    await upsert("instagram_reels", reel({ taken_at: after(-5) }));
    await upsert("instagram_creators", creator({ avg_reel_plays: 1 }));
    await query(`update instagram_creators set review_status = 'ok' where ig_user_id = '${ID}'`);
    await query(`update instagram_creators set review_status = 'non_related' where ig_user_id = '3'`);
    expect(await due("run1")).toEqual([
      { ig_user_id: ID, username: "ann", newest_taken_at: after(-5) },
      { ig_user_id: "2", username: "user2" },
    ]);
    expect(await due("run2")).toEqual([]);
  });

  it("are asked again soon when they do not answer, and not any more after three answers an hour apart", async () => {
    const gone = (hours: number) => ({
      ig_user_id: ID,
      availability: "not_found",
      availability_reason: "User not found",
      observed_at: after(hours),
      source: "api/profile",
    });
    await upsert("instagram_creators", gone(0));
    await upsert("instagram_creators", gone(2));
    expect(await query("select next_due_at from instagram_creators")).toEqual([
      { next_due_at: new Date(after(4)) },
    ]);
    await upsert("instagram_creators", gone(4));
    expect(await query("select next_due_at from instagram_creators")).toEqual([{ next_due_at: null }]);
  });
});

function related(source: string, target: string, rank = 1): Item {
  return {
    source_ig_user_id: source,
    target_ig_user_id: target,
    target_username: `user${target}`,
    target_full_name: null,
    target_is_private: false,
    target_is_verified: false,
    target_profile_pic_url: null,
    rank,
    observed_at: after(0),
    source: "api/related-profiles",
  };
}

async function upsert(dataset: string, ...items: Item[]): Promise<void> {
  await database.pool.query(
    `select upsert_items('upsert_' || $1, array(
      select row($1, coalesce(i->>'media_id', concat(i->>'ig_user_id', i->>'source_ig_user_id', ' ', i->>'target_ig_user_id')),
        i, n)::pushed_item
      from jsonb_array_elements($2::jsonb) with ordinality as e(i, n)), 'run1')`,
    [dataset, JSON.stringify(items)],
  );
  expect(await query("select reason from failed_items")).toEqual([]);
}

async function only(table: string): Promise<Record<string, unknown>> {
  const rows = await query(`select * from ${table}`);
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.pool.query(sql)).rows;
}

async function due(run: string): Promise<unknown[]> {
  const { rows } = await database.pool.query<{ work: unknown }>(
    "select to_jsonb(due) as work from due_creators(10, $1) as due",
    [run],
  );
  return rows.map(({ work }) => work);
}

function rounded(rows: Record<string, unknown>[]): unknown[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Math.round(Number(value))])),
  );
}
