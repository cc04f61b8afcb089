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
const GOALS = { list: 25, other: 250 };

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

export async function measureLists(pool: Pool): Promise<boolean> {
  const lists = await measure(await listsOf(pool));
  const others = await measure(othersOf(pool));
  print(`lists of ${LIMIT}`);
  print(formatTable(["", "ms"], toRows(lists)));
  print("others");
  print(formatTable(["", "ms"], toRows(others)));
  return [
    reportGoal(`every list within ${GOALS.list} ms`, Math.max(...lists.values()) <= GOALS.list),
    reportGoal(`the others within ${GOALS.other} ms`, Math.max(...others.values()) <= GOALS.other),
  ].every(Boolean);
}

async function listsOf(pool: Pool): Promise<Map<string, Ask>> {
  const asks = new Map<string, Ask>();
  const add = async (table: ListTable, filters: Record<string, Filter>): Promise<void> => {
    for (const [name, filter] of Object.entries(filters)) {
      for (const sort of Object.keys(table.sorts)) {
        const ask = (cursor?: string) => readPage(pool, table, { sort, filter, limit: LIMIT, cursor });
        asks.set(`${table.name}${name} by ${sort}`, () => ask());
        const { nextCursor } = await readPage(pool, table, { sort, filter, limit: DEEP, cursor: undefined });
        if (nextCursor !== null) asks.set(`${table.name}${name} by ${sort}, deep`, () => ask(nextCursor));
      }
    }
  };
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
  await add(SUBREDDITS, {
    "": filterSubreddits({}),
    " reviewed Ok": filterSubreddits({ review: "Ok" }),
    " not reviewed": filterSubreddits({ review: "none" }),
    " of a category": filterSubreddits({ category: "amber" }),
    " with two tags": filterSubreddits({ tags: ["theme:amber", "style:delta"] }),
    " over 18, larger": filterSubreddits({ over18: true, min_subscribers: 1_000 }),
    " named like": filterSubreddits({ q: "zephyr_12" }),
  });
  await add(USERS, {
    "": filterUsers({}),
    " of karma and age": filterUsers({ min_karma: 10_000, min_age_days: 365 }),
    " of ours": filterUsers({ our_creator: true }),
    " inactive": filterUsers({ status: "inactive" }),
    " named like": filterUsers({ q: "velvet-309" }),
  });
  await add(POSTS, {
    "": filterPosts({}),
    " of a subreddit": filterPosts({ subreddit: "basil_delta_1" }),
    " of an author": filterPosts({ author: "basil-1" }),
    " of an hour": filterPosts({ since: ago(1 / 24) }),
    " of a week": filterPosts({ since: ago(7) }),
    " that are text": filterPosts({ content_type: "text" }),
    " that are videos": filterPosts({ content_type: "video" }),
    " of a high score": filterPosts({ min_score: 15_000 }),
    " of a week, text, of a score": filterPosts({ since: ago(7), content_type: "text", min_score: 5_000 }),
  });
  return asks;
}

function othersOf(pool: Pool): Map<string, Ask> {
  const viral = { perSubreddit: 3, limit: LIMIT, fields: [] };
  return new Map<string, Ask>([
    ["viral posts of 72 hours", () => readViralPosts(pool, { ...viral, windowHours: 72 })],
    ["viral posts of a week", () => readViralPosts(pool, { ...viral, windowHours: 168 })],
    ["suggestions", () => suggestSubreddits(pool, { tags: ["theme:amber"], sfw: true, limit: 20 })],
    ["review counts", () => countReviews(pool)],
    ["a subreddit", () => readSubreddit(pool, "amber_basil_1")],
    ["a user", () => readUser(pool, "basil-1")],
  ]);
}

async function measure(asks: Map<string, Ask>): Promise<Map<string, number>> {
  const best = new Map<string, number>();
  for (const [name, ask] of asks) {
    for (let round = 0; round < ROUNDS; round++) {
      const startedAt = performance.now();
      await ask();
      best.set(name, Math.min(best.get(name) ?? Infinity, performance.now() - startedAt));
    }
  }
  return best;
}

function toRows(times: Map<string, number>): string[][] {
  return [...times].map(([name, ms]) => [name, ms.toFixed(1)]);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
