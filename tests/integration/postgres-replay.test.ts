import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import { openDatabase } from "../../shared/db/database.ts";
import { describeRecorded } from "../actors/reddit/recordings.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { compareTables } from "./postgres-tables.ts";
import { recorded, recordedKey, roundsOf, type Recorded } from "./replay-recordings.ts";
import { startReplay } from "./replay-server.ts";
import { items, testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });
let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

const names = (recordings: readonly Recorded[]) => [
  ...new Set(recordings.map((recording) => recordedKey(recording).split(/[/?]/)[2]!)),
];

describeRecorded("answers, crawled on the database", () => {
  const rounds: [what: string, round: Recorded[], input: object][] = [];
  for (const round of roundsOf(recorded("subreddit_about", "subreddit_rules"))) {
    rounds.push(["subreddits", round, { subreddits: names(round), listings: [], authors: "none" }]);
  }
  const listings = ["hot", "new", "rising", "top", "controversial"];
  const pages = recorded(...listings.map((sort) => `listing_${sort}`));
  for (const round of roundsOf(pages.filter(({ response }) => response.bodyIsJson))) {
    const input = { subreddits: names(round), listings: listings.map((sort) => ({ sort, limit: 1000 })) };
    rounds.push(["listings", round, { ...input, rules: false, discover: true }]);
  }
  for (const round of roundsOf(recorded("user_about", "user_overview"))) {
    const users = names(round.filter(({ name }) => name.startsWith("user_about")));
    const user_history = { listing: "overview", sort: "top", time: "all", limit: 1000 };
    rounds.push(["users", round, { users, user_history }]);
  }

  it.each(rounds)(
    "are the items of a local crawl, and rows that equal them: %s",
    async (what, round, input) => {
      const { env } = await startReplay(round);
      const databaseConfig = await cluster.createMigratedConfig();
      const config = await testConfig({
        ...env,
        DATABASE_URL: databaseConfig.databaseUrl!,
        // One order of answers: the first sight of a post counts.
        MAX_CONCURRENCY: "1",
      });
      const local = await runActor(actor, { config, log, input });
      const { exitCode, summary } = await runActor(actor, { config, log, input, database: {} });
      expect([exitCode, summary!.items]).toEqual([0, local.summary!.items]);

      const database = await openDatabase(databaseConfig, { applicationName: "tests" });
      const runId = summary!.runId!;
      for (const dataset of Object.keys(summary!.items)) {
        const onDatabase = await Array.fromAsync(readRunItems(database.pool, runId, dataset));
        expect(comparable(onDatabase)).toEqual(comparable(await items(config, dataset)));
      }
      expect(await compareTables(database.pool, runId, what === "listings" ? MOVING : [])).toEqual([]);
      await database.close();
    },
  );
});

/**
 * Listings of different times show different numbers of one post: a dataset keeps the first, a table the newest. And
 * these recordings have no answer that tells how the subreddit spells its name.
 */
const MOVING = [
  "score",
  "num_comments",
  "upvote_ratio",
  "comment_to_upvote_ratio",
  "subreddit_subscribers",
  "name",
];

const OF_TIME = new Set([
  "observed_at",
  "metrics_at",
  "min_account_age_days",
  "age_quality_score",
  "overall_user_score",
  "karma_per_day",
]);

/** In one order, without the times of their collection and what follows from the age of an account. */
function comparable(found: Item[]): Item[] {
  const keyOf = ({ reddit_id, name, username, request_id, seen_in }: Item) =>
    [reddit_id, name, username, request_id, seen_in].join(" ");
  return found
    .map((item) => Object.fromEntries(Object.entries(item).filter(([field]) => !OF_TIME.has(field))))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
