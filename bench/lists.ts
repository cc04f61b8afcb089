import type { Pool } from "pg";
import { formatTable } from "../shared/cli/table.ts";
import { type ListTable, readPage } from "../shared/db/queries/page.ts";
import { filterPosts, POSTS, readViralPosts } from "../shared/db/queries/reddit-posts.ts";
import {
  countReviews,
  filterSubreddits,
  readSubreddit,
  SUBREDDITS,
  suggestSubreddits,
} from "../shared/db/queries/reddit-subreddits.ts";
import { filterUsers, readUser, USERS } from "../shared/db/queries/reddit-users.ts";
import type { Filter } from "../shared/db/queries/filter.ts";
import { seed } from "../shared/db/seed.ts";
import { openBenchDatabase, startBenchCluster } from "./bench-database.ts";
import { reportGoal } from "./goals.ts";

const LIMIT = 50;
/** Rows before the page that is called deep. */
const DEEP = 1_000;
/** Every figure is the best of so many: other work on the machine only makes it larger. */
const ROUNDS = 5;

/** Milliseconds of the slowest. */
const GOALS = { list: 50, other: 250 };

type Ask = () => Promise<unknown>;

/**
 * What dashboards ask of Reddit's tables, at the old system's size: each list in each order, its first page and one
 * behind a thousand rows, with the filters that it takes; and what is no list.
 * @returns whether the goals were met
 */
export async function benchLists(): Promise<boolean> {
  const cluster = await startBenchCluster();
  try {
    const database = await openBenchDatabase(await cluster.createDatabase("lists"));
    print("filling the tables …");
    await seed(database.pool, "full", () => {});
    const met = await measureLists(database.pool);
    await database.close();
    return met;
  } finally {
    await cluster.stop();
  }
}

async function measureLists(pool: Pool): Promise<boolean> {
  const lists = [
    ...(await measureTable(pool, SUBREDDITS, SUBREDDIT_FILTERS)),
    ...(await measureTable(pool, USERS, USER_FILTERS)),
    ...(await measureTable(pool, POSTS, POST_FILTERS)),
  ];
  print(`${LIMIT} rows, ms in the slowest of the list's orders`);
  print(formatTable(["", "first page", "deep"], lists.map(toRow)));
  const others: [string, number][] = [];
  for (const [name, ask] of Object.entries(othersOf(pool))) others.push([name, await best(ask)]);
  print(formatTable(["", "ms"], others.map(toRow)));
  const slowest = Math.max(...lists.flatMap(([, first, deep]) => [first, deep]));
  return [
    reportGoal(`every list within ${GOALS.list} ms`, slowest <= GOALS.list),
    reportGoal(`the others within ${GOALS.other} ms`, Math.max(...others.map(([, ms]) => ms)) <= GOALS.other),
  ].every(Boolean);
}

/** A row a filter: its name, the first page and a deep one, 0 where there is none. */
async function measureTable(
  pool: Pool,
  table: ListTable,
  filters: Record<string, Filter>,
): Promise<[name: string, first: number, deep: number][]> {
  const rows: [string, number, number][] = [];
  for (const [name, filter] of Object.entries(filters)) {
    let [first, deep] = [0, 0];
    for (const sort of Object.keys(table.sorts)) {
      const ask = (cursor: string | undefined, limit = LIMIT) =>
        readPage(pool, table, { sort, filter, limit, cursor });
      first = Math.max(first, await best(() => ask(undefined)));
      const { nextCursor } = await ask(undefined, DEEP);
      if (nextCursor !== null) deep = Math.max(deep, await best(() => ask(nextCursor)));
    }
    rows.push([name, first, deep]);
  }
  return rows;
}

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

const SUBREDDIT_FILTERS = {
  subreddits: filterSubreddits({}),
  "… reviewed Ok": filterSubreddits({ review: "Ok" }),
  "… not reviewed": filterSubreddits({ review: "none" }),
  "… of a category": filterSubreddits({ category: "amber" }),
  "… with two tags": filterSubreddits({ tags: ["theme:amber", "style:delta"] }),
  "… over 18, of a size": filterSubreddits({ over18: true, min_subscribers: 1_000 }),
  "… named like": filterSubreddits({ q: "zephyr_12" }),
};

const USER_FILTERS = {
  users: filterUsers({}),
  "… of karma and age": filterUsers({ min_karma: 10_000, min_age_days: 365 }),
  "… of ours": filterUsers({ our_creator: true }),
  "… inactive": filterUsers({ status: "inactive" }),
  "… named like": filterUsers({ q: "velvet-309" }),
};

const POST_FILTERS = {
  posts: filterPosts({}),
  "… of a subreddit": filterPosts({ subreddit: "basil_delta_1" }),
  "… of an author": filterPosts({ author: "basil-1" }),
  "… of an hour": filterPosts({ since: daysAgo(1 / 24) }),
  "… of a week": filterPosts({ since: daysAgo(7) }),
  "… that are videos": filterPosts({ content_type: "video" }),
  "… of a high score": filterPosts({ min_score: 15_000 }),
  "… of a week, text, of a score": filterPosts({
    since: daysAgo(7),
    content_type: "text",
    min_score: 5_000,
  }),
};

function othersOf(pool: Pool): Record<string, Ask> {
  const viral = { perSubreddit: 3, limit: LIMIT, fields: [] };
  return {
    "viral posts of 72 hours": () => readViralPosts(pool, { ...viral, windowHours: 72 }),
    "viral posts of a week": () => readViralPosts(pool, { ...viral, windowHours: 168 }),
    suggestions: () => suggestSubreddits(pool, { tags: ["theme:amber"], sfw: true, limit: 20 }),
    "review counts": () => countReviews(pool),
    "a subreddit": () => readSubreddit(pool, "amber_basil_1"),
    "a user": () => readUser(pool, "basil-1"),
  };
}

async function best(ask: Ask): Promise<number> {
  let bestMs = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    await ask();
    bestMs = Math.min(bestMs, performance.now() - startedAt);
  }
  return bestMs;
}

function toRow([name, ...times]: [string, ...number[]]): string[] {
  return [name, ...times.map((ms) => (ms === 0 ? "" : ms.toFixed(1)))];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
