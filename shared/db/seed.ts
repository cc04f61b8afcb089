import type { Pool } from "pg";
import { DatabaseError } from "./errors.ts";
import { longTransaction } from "./long-transaction.ts";
import { word } from "./seed-words.ts";
import { INSTAGRAM } from "./seed-instagram.ts";

/** `full` is the size of the system that this one replaces. */
export const SCALES = {
  small: {
    reddit_subreddits: 350,
    reddit_users: 3_100,
    reddit_posts: 18_300,
    instagram_creators: 500,
    instagram_posts: 2_000,
    instagram_reels: 4_000,
  },
  full: {
    reddit_subreddits: 34_682,
    reddit_users: 309_608,
    reddit_posts: 1_830_000,
    instagram_creators: 6_000,
    instagram_posts: 60_000,
    instagram_reels: 180_000,
  },
} as const;

/** Its rows are made by statements of which $1 < n <= $2 are the numbers, and other parameters sizes of other tables. */
export interface SeededTable {
  statements: string[];
  /** The tables whose sizes are $3, $4, … */
  sizes: (keyof (typeof SCALES)["full"])[];
}

/** Rows of one statement: progress is told after each. */
const BATCH = 100_000;

/**
 * Fills empty tables with made-up rows, inside the database. The same scale gives the same rows, but for dates,
 * which are relative to now.
 * @param onProgress rows so far, of how many
 * @throws {DatabaseError} when there are rows already
 */
export async function seed(
  pool: Pool,
  scale: keyof typeof SCALES,
  onProgress: (table: string, rows: number, of: number) => void,
): Promise<void> {
  const { rows } = await pool.query<{ table: string }>(
    `select 'reddit_subreddits' as table from (select from reddit_subreddits limit 1) s
     union all select 'reddit_users' from (select from reddit_users limit 1) u
     union all select 'reddit_posts' from (select from reddit_posts limit 1) p
     union all select 'instagram_creators' from (select from instagram_creators limit 1) c`,
  );
  if (rows.length > 0)
    throw new DatabaseError(`${rows[0]!.table} has rows already; seed another database (DATABASE_DIR)`);
  const sizes = SCALES[scale];
  for (const [table, { statements, sizes: others }] of Object.entries({ ...REDDIT, ...INSTAGRAM })) {
    const total = sizes[table as keyof typeof sizes];
    const parameters = others.map((other) => sizes[other]);
    for (let from = 0; from < total; from += BATCH) {
      const to = Math.min(from + BATCH, total);
      await longTransaction(pool, async (query) => {
        for (const sql of statements) {
          await query("select setseed($1)", [from / total]);
          const used = Math.max(...[...sql.matchAll(/\$(\d)/g)].map(([, number]) => Number(number)));
          await query(sql, [from, to, ...parameters].slice(0, used));
        }
      });
      onProgress(table, to, total);
    }
  }
  // Statistics, and pages marked as wholly visible, as in a database that has lived for a while.
  for (const table of [...Object.keys(sizes), "reddit_posts_history", "instagram_reels_history"])
    await pool.query({ text: `vacuum (analyze) ${table}`, query_timeout: 3_600_000 } as { text: string });
}

const REDDIT: Record<string, SeededTable> = {
  reddit_subreddits: {
    sizes: [],
    statements: [
      `insert into reddit_subreddits (name, reddit_id, title, public_description, subscribers, created_utc, over18,
      avg_upvotes_per_post, avg_comments_per_post, engagement, subreddit_score, metrics_sample_size, metrics_window,
      metrics_at, score_version, verification_required, availability, availability_at, availability_confirmations,
      review, tags, growth_24h, growth_7d, growth_30d, about_at, last_scraped_at, first_seen_at)
    select name, 'm' || n, initcap(a || ' ' || b), 'A place for ' || a || ' ' || b || ', number ' || n,
      subscribers, now() - random() * interval '12 years', random() < 0.3,
      upvotes, comments, comments / upvotes, sqrt(comments * 1000), 100, 'week', scraped, 1, random() < 0.1,
      'ok', scraped, 1,
      (array['Ok', 'Ok', 'No Seller', 'No Seller', 'Non Related', 'Non Related', 'Non Related', 'User Feed', 'Banned',
        null])[1 + floor(random() * 10)],
      array['theme:' || a, 'style:' || b], subscribers / 2000, subscribers / 400, subscribers / 100, scraped, scraped,
      scraped - random() * interval '300 days'
    from (
      select n, a, b, a || '_' || b || '_' || n as name, floor(50 + 5e6 * random() ^ 12)::integer as subscribers,
        1 + 3000 * random() ^ 6 as upvotes, 1 + 200 * random() ^ 4 as comments,
        now() - random() * interval '8 days' as scraped
      from (select n, ${word("n")} as a, ${word("n / 7 + 3")} as b from generate_series($1::integer + 1, $2::integer) n) w
    ) s`,
      `insert into reddit_subreddits_history (subreddit_id, observed_at, subscribers, avg_upvotes_per_post,
      avg_comments_per_post, engagement, subreddit_score)
    select id, last_scraped_at - k * interval '4 days', (subscribers * (1 - k * 0.002))::integer, avg_upvotes_per_post,
      avg_comments_per_post, engagement, subreddit_score
    from reddit_subreddits, generate_series(0, 9) k
    where id > (select max(id) from reddit_subreddits) - ($2::integer - $1::integer)`,
    ],
  },
  reddit_users: {
    sizes: [],
    statements: [
      `insert into reddit_users (username, reddit_id, created_utc, comment_karma, link_karma, total_karma, karma_per_day,
      overall_user_score, our_creator, status, availability, availability_at, availability_confirmations, profile_at,
      last_scraped_at, first_seen_at)
    select a || '-' || n, 'u' || n, created, comments, links, comments + links,
      round(((comments + links) / greatest(extract(epoch from now() - created) / 86400, 1))::numeric, 2), random() * 10,
      random() < 0.002, case when random() < 0.01 then 'active' end, 'ok', scraped, 1, scraped, scraped,
      scraped - random() * interval '200 days'
    from (
      select n, ${word("n")} as a, floor(2e6 * random() ^ 8)::integer as comments,
        floor(1e6 * random() ^ 8)::integer as links, now() - random() * interval '10 years' as created,
        now() - random() * interval '40 days' as scraped
      from generate_series($1::integer + 1, $2::integer) n
    ) s`,
      `insert into reddit_users_history (user_id, observed_at, total_karma, link_karma, comment_karma)
    select id, last_scraped_at - k * interval '20 days', total_karma - k * 10, link_karma - k * 5, comment_karma - k * 5
    from reddit_users, generate_series(0, 1) k
    where id > (select max(id) from reddit_users) - ($2::integer - $1::integer)`,
    ],
  },
  reddit_posts: {
    sizes: ["reddit_subreddits", "reddit_users"],
    statements: [
      `insert into reddit_posts (reddit_id, title, selftext, url, domain, author_username, author_fullname,
      subreddit_name, created_utc, score, num_comments, upvote_ratio, over_18, spoiler, stickied, locked, is_self,
      is_video, archived, content_type, thumbnail, gilded, total_awards_received, permalink, is_crosspost,
      num_crossposts, subreddit_subscribers, media, post_length, posting_day_of_week, posting_hour,
      comment_to_upvote_ratio, first_seen_at, last_scraped_at, next_due_at)
    select 's' || to_hex(n), initcap(a || ' ' || b) || ' and what came of it, part ' || n,
      case when is_self then repeat(a || ' is what ' || b || ' makes of it. ', 1 + floor(random() * 30)::integer) else '' end,
      'https://i.redd.it/' || md5(n::text) || '.jpeg', 'i.redd.it', ${word("author")} || '-' || author,
      't2_u' || author, ${word("place")} || '_' || ${word("place / 7 + 3")} || '_' || place, created, score, comments,
      0.5 + round(random()::numeric / 2, 2)::double precision, random() < 0.3, false, false, false, is_self,
      not is_self and kind = 'video', false, case when is_self then 'text' else kind end, 'https://b.thumbs.redditmedia.com/' || md5('t' || n) || '.jpg',
      0, 0, '/r/' || place || '/comments/s' || to_hex(n) || '/' || a || '_' || b || '/', false, 0,
      floor(5e6 * random() ^ 12)::integer,
      case when is_self then '[]' else jsonb_build_array(jsonb_build_object('type', 'image', 'url',
        'https://i.redd.it/' || md5(n::text) || '.jpeg', 'width', 1080, 'height', 1350, 'duration_secs', null)) end,
      100, extract(isodow from created) - 1, extract(hour from created), round(comments / greatest(score, 1)::numeric, 4),
      seen, seen, post_due_at(created, seen)
    from (
      select n, ${word("n")} as a, ${word("n / 7 + 1")} as b, 1 + floor($4::integer * random() ^ 2)::integer as author,
        1 + floor($3::integer * random() ^ 3)::integer as place, random() < 0.3 as is_self,
        ('{image,image,image,image,image,gallery,gallery,video,video,link}'::text[])[1 + n % 10] as kind,
        floor(20000 * random() ^ 10)::integer as score, floor(2000 * random() ^ 8)::integer as comments,
        now() - random() * interval '180 days' as created, now() - random() * interval '20 days' as seen
      from generate_series($1::integer + 1, $2::integer) n
    ) s`,
      `insert into reddit_posts_history (reddit_id, observed_at, score, num_comments, upvote_ratio)
    select 's' || to_hex(n), now() - interval '20 days' + k * interval '3 hours', n % 500 * k, n % 90 * k, 0.9
    from generate_series($1::integer + 1, $2::integer) n, generate_series(1, 2) k`,
    ],
  },
};
