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
/** A moment in the past: what comes from the future counts as now. */
const START = Date.now() - 60 * 24 * HOUR;
const after = (hours: number) => new Date(START + hours * HOUR).toISOString();

async function upsert(dataset: string, ...items: Item[]): Promise<void> {
  await database.pool.query(
    `select upsert_items('upsert_' || $1, array(
      select row($1, coalesce(lower(i->>'name'), lower(i->>'username'), i->>'reddit_id'), i, n)::pushed_item
      from jsonb_array_elements($2::jsonb) with ordinality as e(i, n)), 'run1')`,
    [dataset, JSON.stringify(items)],
  );
  const failed = await database.kysely.selectFrom("failed_items").select("reason").execute();
  expect(failed).toEqual([]);
}

async function only(table: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query(`select * from ${table}`);
  expect(rows).toHaveLength(1);
  return rows[0];
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.pool.query(sql)).rows;
}

const post = (fields: Item = {}): Item => ({
  reddit_id: "p",
  observed_at: after(0),
  source: "/hot",
  ...fields,
});
const subreddit = (fields: Item = {}): Item => ({
  name: "Node",
  observed_at: after(0),
  source: "/about",
  ...fields,
});
const user = (fields: Item = {}): Item => ({
  username: "Jo",
  observed_at: after(0),
  source: "/about",
  ...fields,
});

describe("an observation", () => {
  const cases = [
    ["reddit_posts", post, "title", "score"],
    ["reddit_subreddits", subreddit, "title", "subscribers"],
    ["reddit_users", user, "bio", "comment_karma"],
  ] as const;

  it.each(cases)(
    "of %s brings what it carries, and leaves the rest alone",
    async (table, item, text, number) => {
      await upsert(table, item({ [text]: "first", [number]: 1 }));
      await upsert(table, item({ [number]: 2, observed_at: after(1) }));
      expect(await only(table)).toMatchObject({ [text]: "first", [number]: 2 });
      await upsert(table, item({ [text]: null, observed_at: after(2) }));
      expect(await only(table)).toMatchObject({ [text]: null, [number]: 2 });
    },
  );

  it.each(cases)("of %s never overwrites a newer one", async (table, item, text, number) => {
    await upsert(table, item({ [text]: "new", [number]: 2, observed_at: after(5) }));
    await upsert(table, item({ [text]: "old", [number]: 1, observed_at: after(4) }));
    expect(await only(table)).toMatchObject({
      [text]: "new",
      [number]: 2,
      last_scraped_at: new Date(after(5)),
    });
  });

  it.each(cases)(
    "of %s wins by its time within one batch, whatever the order",
    async (table, item, text, number) => {
      await upsert(
        table,
        item({ [number]: 3, observed_at: after(3) }),
        item({ [text]: "one", [number]: 1, observed_at: after(1) }),
        item({ [number]: 2, observed_at: after(2) }),
      );
      expect(await only(table)).toMatchObject({ [text]: "one", [number]: 3 });
    },
  );

  it.each(cases)(
    "of %s from a clock that runs ahead keeps nobody out",
    async (table, item, _text, number) => {
      await upsert(table, item({ [number]: 1, observed_at: "2999-01-01T00:00:00Z" }));
      await upsert(table, item({ [number]: 2, observed_at: new Date(Date.now() + 5000).toISOString() }));
      expect(await only(table)).toMatchObject({ [number]: 2 });
    },
  );

  it("ages a group of fields apart from the others", async () => {
    await upsert("reddit_subreddits", subreddit({ title: "T", availability: "ok", observed_at: after(5) }));
    await upsert(
      "reddit_subreddits",
      subreddit({ engagement: 0.5, metrics_sample_size: 9, observed_at: after(3) }),
    );
    await upsert(
      "reddit_subreddits",
      subreddit({ rules_data: [{ short_name: "r" }], observed_at: after(2) }),
    );
    await upsert("reddit_subreddits", subreddit({ min_post_karma: 1.5, observed_at: after(1) }));
    await upsert("reddit_subreddits", subreddit({ engagement: 0.1, title: "old", observed_at: after(2) }));
    expect(await only("reddit_subreddits")).toMatchObject({
      title: "T",
      about_at: new Date(after(5)),
      engagement: 0.5,
      metrics_at: new Date(after(3)),
      rules_data: [{ short_name: "r" }],
      rules_at: new Date(after(2)),
      min_post_karma: 1.5,
      requirements_at: new Date(after(1)),
      last_scraped_at: new Date(after(5)),
    });
  });

  it("of a name in another case is of the same row, and only facts about it change its spelling", async () => {
    await upsert("reddit_subreddits", subreddit({ name: "NODE", title: "T" }));
    await upsert("reddit_subreddits", subreddit({ name: "node", engagement: 1, observed_at: after(1) }));
    expect(await only("reddit_subreddits")).toMatchObject({ name: "NODE", engagement: 1 });
    await upsert("reddit_subreddits", subreddit({ name: "Node", title: "T", observed_at: after(2) }));
    expect(await only("reddit_subreddits")).toMatchObject({ name: "Node" });
    await upsert("reddit_users", user({ username: "JO", link_karma: 1 }));
    await upsert("reddit_users", user({ username: "jo", avg_post_score: 2, observed_at: after(1) }));
    expect(await only("reddit_users")).toMatchObject({ username: "JO", avg_post_score: 2 });
  });

  it("of a user's karma without the sum completes it", async () => {
    await upsert(
      "reddit_users",
      user({ total_karma: 130, awardee_karma: 20, awarder_karma: 10, comment_karma: 60, link_karma: 40 }),
    );
    await upsert("reddit_users", user({ comment_karma: 70, link_karma: 50, observed_at: after(1) }));
    expect(await only("reddit_users")).toMatchObject({ total_karma: 150 });
  });

  it("keeps every column's type: numbers, flags, dates, arrays and JSON", async () => {
    const media = [
      { type: "image", url: "https://i.redd.it/a.jpg", width: 1, height: 2, duration_secs: null },
    ];
    await upsert(
      "reddit_posts",
      post({
        created_utc: "2026-01-01T10:00:00.000Z",
        upvote_ratio: 0.97,
        over_18: true,
        edited_at: null,
        media,
        poll: null,
        comment_to_upvote_ratio: 0.1234,
      }),
    );
    expect(await only("reddit_posts")).toMatchObject({
      created_utc: new Date("2026-01-01T10:00:00Z"),
      upvote_ratio: 0.97,
      over_18: true,
      edited_at: null,
      media,
      poll: null,
      comment_to_upvote_ratio: 0.1234,
    });
    await upsert(
      "reddit_subreddits",
      subreddit({
        allowed_media_in_comments: ["gif"],
        content_type_shares: { image: 1 },
        best_posting_day: "Monday",
        best_posting_hour: 5,
      }),
    );
    expect(await only("reddit_subreddits")).toMatchObject({
      allowed_media_in_comments: ["gif"],
      content_type_shares: { image: 1 },
      best_posting_day: "Monday",
      best_posting_hour: 5,
    });
    await upsert("reddit_users", user({ primary_subreddits: ["a", "b"], history_hidden: "likely" }));
    expect(await only("reddit_users")).toMatchObject({
      primary_subreddits: ["a", "b"],
      history_hidden: "likely",
    });
  });
});

describe("columns of people", () => {
  it("stay as they are through a thousand upserts at the same time", async () => {
    await upsert("reddit_subreddits", subreddit({ subscribers: 0 }));
    await upsert("reddit_users", user({ link_karma: 0 }));
    const scrape = async (from: number) => {
      for (let n = from; n < from + 500; n++) {
        await upsert(
          "reddit_subreddits",
          subreddit({ subscribers: n, review: "Banned", tags: ["x"], notes: "x", observed_at: after(n) }),
        );
        await upsert(
          "reddit_users",
          user({ link_karma: n, notes: "x", our_creator: true, status: "inactive", observed_at: after(n) }),
        );
      }
    };
    const edit = async () => {
      for (let n = 0; n < 50; n++) {
        await query(
          `update reddit_subreddits set review = 'Ok', tags = tags || array['n:${n}'], primary_category = 'c', notes = 'mine'`,
        );
        await query("update reddit_users set notes = 'mine', status = 'active'");
      }
    };
    await Promise.all([scrape(0), scrape(500), edit()]);
    const { tags, ...row } = await only("reddit_subreddits");
    expect(row).toMatchObject({ review: "Ok", primary_category: "c", notes: "mine", subscribers: 999 });
    expect(tags).toHaveLength(50);
    expect(await only("reddit_users")).toMatchObject({
      notes: "mine",
      status: "active",
      our_creator: false,
      link_karma: 999,
    });
  });
});

describe("availability", () => {
  const observe = (availability: string, hours: number) =>
    upsert(
      "reddit_subreddits",
      subreddit({ availability, availability_reason: availability, observed_at: after(hours) }),
    );

  it("counts confirmations that are at least an hour apart", async () => {
    await observe("private", 0);
    await observe("private", 0.5);
    expect(await only("reddit_subreddits")).toMatchObject({
      availability_confirmations: 1,
      availability_since: new Date(after(0)),
    });
    await observe("private", 1);
    await observe("private", 2.5);
    expect(await only("reddit_subreddits")).toMatchObject({
      availability: "private",
      availability_confirmations: 3,
      availability_since: new Date(after(0)),
    });
  });

  it("starts again when it changes, and an older observation changes nothing", async () => {
    await observe("private", 0);
    await observe("banned", 2);
    await observe("ok", 1);
    expect(await only("reddit_subreddits")).toMatchObject({
      availability: "banned",
      availability_confirmations: 1,
      availability_since: new Date(after(2)),
    });
  });

  it("keeps the good values of what does not answer any more", async () => {
    await upsert("reddit_subreddits", subreddit({ title: "T", subscribers: 5, availability: "ok" }));
    await observe("banned", 3);
    expect(await only("reddit_subreddits")).toMatchObject({
      title: "T",
      subscribers: 5,
      availability: "banned",
    });
  });
});

describe("history", () => {
  it("has a row when a number changed, at most one an hour, and misses no change for good", async () => {
    await upsert("reddit_posts", post({ score: 1, num_comments: 0 }));
    await upsert("reddit_posts", post({ score: 5, num_comments: 0, observed_at: after(0.5) }));
    await upsert("reddit_posts", post({ score: 5, num_comments: 0, observed_at: after(1.2) }));
    await upsert("reddit_posts", post({ score: 5, num_comments: 0, observed_at: after(3) }));
    await upsert("reddit_posts", post({ title: "only text", observed_at: after(5) }));
    expect(await query("select observed_at, score from reddit_posts_history order by 1")).toEqual([
      { observed_at: new Date(after(0)), score: 1 },
      { observed_at: new Date(after(1.2)), score: 5 },
    ]);
  });

  it("of subreddits and users follows the same rule", async () => {
    for (const [hours, number] of [
      [0, 1],
      [0.5, 2],
      [2, 2],
      [4, 2],
    ] as const) {
      await upsert("reddit_subreddits", subreddit({ subscribers: number, observed_at: after(hours) }));
      await upsert("reddit_users", user({ comment_karma: number, link_karma: 0, observed_at: after(hours) }));
    }
    expect(await query("select subscribers from reddit_subreddits_history order by observed_at")).toEqual([
      { subscribers: 1 },
      { subscribers: 2 },
    ]);
    expect(await query("select comment_karma from reddit_users_history order by observed_at")).toEqual([
      { comment_karma: 1 },
      { comment_karma: 2 },
    ]);
  });

  it("gives growth over 24 h, 7 d and 30 d against the newest row at least that old", async () => {
    for (const [day, subscribers] of [
      [0, 100],
      [10, 150],
      [28, 170],
      [34.5, 190],
      [35, 200],
    ] as const)
      await upsert("reddit_subreddits", subreddit({ subscribers, observed_at: after(day * 24) }));
    const growth = { growth_24h: 30, growth_7d: 30, growth_30d: 100 };
    expect(await only("reddit_subreddit_growth")).toMatchObject({ subscribers: 200, ...growth });
    expect(await only("reddit_subreddits")).toMatchObject(growth);
  });

  it("gives no growth where there is nothing old enough to compare with", async () => {
    await upsert("reddit_subreddits", subreddit({ subscribers: 1 }));
    expect(await only("reddit_subreddit_growth")).toMatchObject({
      growth_24h: null,
      growth_7d: null,
      growth_30d: null,
    });
  });

  it("gives a post's velocity in its first day", async () => {
    await upsert(
      "reddit_posts",
      post({ created_utc: after(0), score: 10, num_comments: 1, observed_at: after(2) }),
    );
    await upsert("reddit_posts", post({ score: 100, num_comments: 7, observed_at: after(20) }));
    await upsert("reddit_posts", post({ score: 999, num_comments: 9, observed_at: after(30) }));
    expect(await only("reddit_post_velocity")).toMatchObject({
      score: 100,
      num_comments: 7,
      score_per_hour: 5,
    });
  });
});

it("ranks viral posts of the last hours, at most some of each subreddit that is reviewed Ok", async () => {
  const now = Date.now();
  const ago = (hours: number) => new Date(now - hours * HOUR).toISOString();
  await query("insert into reddit_subreddits (name, review) values ('Fine', 'Ok'), ('other', null)");
  const viral = (reddit_id: string, subreddit_name: string, score: number, hours: number): Item =>
    post({
      reddit_id,
      subreddit_name,
      score,
      num_comments: 10,
      created_utc: ago(hours),
      observed_at: ago(0),
    });
  await upsert(
    "reddit_posts",
    viral("best", "fine", 500, 36),
    viral("second", "fine", 400, 36),
    viral("third", "FINE", 300, 36),
    viral("old", "fine", 9000, 80),
    viral("elsewhere", "other", 9000, 1),
  );
  const rows = await query("select * from viral_posts(72, 2, 10)");
  expect(rows.map(({ reddit_id }) => reddit_id)).toEqual(["best", "second"]);
  // 0.35·min(10, 5) + 0.35·min(10, 2) + 0.1·min(10, 500/36) + 0.2·(1 − 36/72)
  expect(rows[0]!["viral_rank"]).toBeCloseTo(1.75 + 0.7 + 1 + 0.1, 3);
});

describe("a deleted post", () => {
  it("is blanked when a re-check sees it, and its numbers stay", async () => {
    const media = [{ type: "image", url: "https://i.redd.it/a.jpg" }];
    await upsert(
      "reddit_posts",
      post({
        title: "T",
        selftext: "text",
        author_username: "Jo",
        author_fullname: "t2_jo",
        media,
        score: 5,
        subreddit_name: "node",
      }),
    );
    await upsert(
      "reddit_posts",
      post({
        title: "T",
        selftext: "[deleted]",
        author_username: null,
        removed_by_category: "deleted",
        score: 6,
        observed_at: after(3),
      }),
    );
    expect(await only("reddit_posts")).toMatchObject({
      title: null,
      selftext: null,
      author_username: null,
      author_fullname: null,
      media: null,
      score: 6,
      subreddit_name: "node",
      deleted_at: new Date(after(3)),
      next_due_at: null,
    });
  });

  it("is not blanked by an answer older than what is known", async () => {
    await upsert("reddit_posts", post({ title: "T", observed_at: after(3) }));
    await upsert("reddit_posts", post({ selftext: "[deleted]", observed_at: after(1) }));
    expect(await only("reddit_posts")).toMatchObject({ title: "T", deleted_at: null });
  });
});

describe("review", () => {
  it("is null for a new subreddit and User Feed for a profile, until a person says otherwise", async () => {
    await upsert("reddit_subreddits", subreddit({ name: "node" }), subreddit({ name: "u_jo" }));
    expect(await query("select name, review from reddit_subreddits order by name")).toEqual([
      { name: "node", review: null },
      { name: "u_jo", review: "User Feed" },
    ]);
    await query("update reddit_subreddits set review = 'Ok' where name = 'u_jo'");
    await upsert("reddit_subreddits", subreddit({ name: "u_jo", title: "T", observed_at: after(1) }));
    expect(await query("select review from reddit_subreddits where name = 'u_jo'")).toEqual([
      { review: "Ok" },
    ]);
  });

  it("is suggested by whole words whose weights come to one, with the words", async () => {
    await query("truncate review_keywords");
    await query("insert into review_keywords values ('football club', 1), ('games', 0.5), ('art', 1)");
    await upsert(
      "reddit_subreddits",
      subreddit({ name: "a", title: "Our Football Club", public_description: "and games" }),
      subreddit({ name: "b", title: "games", public_description: "games, again games" }),
      subreddit({ name: "c", title: "Start of a party" }),
    );
    expect(
      await query(
        "select name, review, review_suggestion, review_suggestion_terms from reddit_subreddits order by name",
      ),
    ).toEqual([
      {
        name: "a",
        review: null,
        review_suggestion: "Non Related",
        review_suggestion_terms: ["football club", "games"],
      },
      { name: "b", review: null, review_suggestion: null, review_suggestion_terms: null },
      { name: "c", review: null, review_suggestion: null, review_suggestion_terms: null },
    ]);
  });
});

describe("discoveries", () => {
  it("become subreddits that are due, and leave known ones alone", async () => {
    await upsert("reddit_subreddits", subreddit({ name: "Known", title: "T" }));
    const seen = (name: string, seen_in: string): Item => ({
      name,
      seen_in,
      observed_at: after(0),
      source: "/x",
    });
    await upsert("reddit_discoveries", seen("known", "r/a"), seen("Fresh", "r/a"));
    await upsert("reddit_discoveries", seen("Fresh", "r/b"), seen("fresh", "R/A"));
    expect(await query("select name, title from reddit_subreddits order by name")).toEqual([
      { name: "Fresh", title: null },
      { name: "Known", title: "T" },
    ]);
    expect(await query("select count(*) as n from reddit_discoveries")).toEqual([{ n: 3 }]);
    expect(await query("select due_subreddits(10, 'r')")).toContainEqual({ due_subreddits: "Fresh" });
  });
});
