import { pino } from "pino";
import { expect, it } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { describeRecorded, thingsOf } from "../actors/reddit/recordings.ts";
import { differences, RULES } from "./replay-fields.ts";
import { recorded, recordedKey, roundsOf, type Recorded } from "./replay-recordings.ts";
import { json, listing, startReplay, type Override } from "./replay-server.ts";
import { items, testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });
const NOTHING_ELSE = { listings: [], rules: false, authors: "none" };

async function replay(recordings: readonly Recorded[], input: object, override?: Override) {
  const { env, asked } = await startReplay(recordings, override);
  const config = await testConfig(env);
  const { exitCode, summary } = await runActor(actor, { config, log, input: { ...NOTHING_ELSE, ...input } });
  return { exitCode, summary: summary!, asked, of: (dataset: string) => items(config, dataset) };
}

/** Each recorded thing of a kind is an item, once, and equal to it; nothing else is. */
function expectRecorded(
  got: Item[],
  recordings: readonly Recorded[],
  [kind, rules, key]: readonly ["t1" | "t3" | "t5" | "t2", keyof typeof RULES, string],
): void {
  const raws = Map.groupBy(
    recordings.flatMap(({ response }) => thingsOf(response.body, kind)),
    (raw) => RULES[rules][key]!(raw),
  );
  expect(got.map((item) => item[key]).toSorted()).toEqual([...raws.keys()].toSorted());
  for (const item of got) {
    // Listings of different times show different scores of one post; the first sight counts.
    const wrong = raws.get(item[key])!.map((raw) => differences(item, raw, RULES[rules]));
    const [least] = wrong.toSorted((a, b) => a.length - b.length);
    expect([item[key], ...least!]).toEqual([item[key]]);
  }
}

const POSTS = ["t3", "POST", "reddit_id"] as const;
const SUBREDDITS = ["t5", "SUBREDDIT", "name"] as const;
const USERS = ["t2", "USER", "username"] as const;
const COMMENTS = ["t1", "COMMENT", "reddit_id"] as const;

/** The second part of a recording's path: the subreddit or user. */
const nameIn = (recording: Recorded) => recordedKey(recording).split(/[/?]/)[2]!;
const names = (recordings: readonly Recorded[]) => [...new Set(recordings.map(nameIn))];

describeRecorded("answers", () => {
  const communities = roundsOf(recorded("subreddit_about", "subreddit_rules"));
  it.each(communities.map((round, index) => ({ index, round })))(
    "give every subreddit with its rules, once: round $index",
    async ({ round }) => {
      const ofKind = (folder: string) => round.filter(({ name }) => name.startsWith(folder));
      const { of, exitCode } = await replay(round, { subreddits: names(round), rules: true });
      expect(exitCode).toBe(0);
      const got = await of("reddit_subreddits");
      expectRecorded(got, ofKind("subreddit_about"), SUBREDDITS);
      for (const { response } of ofKind("subreddit_rules")) {
        const [about] = got.filter(({ name }) => String(name).includes("TEST_SUBREDDIT"));
        const short = (rules: unknown) => (rules as { short_name: string }[]).map((rule) => rule.short_name);
        expect(short(about!["rules_data"])).toEqual(short((response.body as { rules: unknown }).rules));
      }
    },
  );

  const listings = roundsOf(
    recorded("listing_hot", "listing_new", "listing_rising", "listing_top", "listing_controversial").filter(
      ({ response }) => response.bodyIsJson,
    ),
  );
  it.each(listings.map((round, index) => ({ index, round })))(
    "give every post of every listing, once: round $index",
    async ({ round }) => {
      const sorts = ["hot", "new", "rising", "top", "controversial"].map((sort) => ({ sort, limit: 1000 }));
      const { of, exitCode } = await replay(round, { subreddits: names(round), listings: sorts });
      expect(exitCode).toBe(0);
      expectRecorded(await of("reddit_posts"), reached(round), POSTS);
    },
  );

  const users = roundsOf(recorded("user_about", "user_overview"));
  it.each(users.map((round, index) => ({ index, round })))(
    "give every user, post and comment, once: round $index",
    async ({ round }) => {
      const user_history = { listing: "overview", sort: "top", time: "all", limit: 1000 };
      const abouts = round.filter(({ name }) => name.startsWith("user_about"));
      const { of, exitCode } = await replay(round, { users: names(abouts), user_history });
      expect(exitCode).toBe(0);
      expectRecorded(await of("reddit_users"), abouts, USERS);
      const isAsked = abouts.some((about) => nameIn(about) === "spez");
      expectRecorded(await of("reddit_posts"), isAsked ? reached(round) : [], POSTS);
      expectRecorded(await of("reddit_comments"), isAsked ? reached(round) : [], COMMENTS);
    },
  );

  it("give what a user whose name is a placeholder submitted", async () => {
    const round = recorded("user_about", "user_submitted").filter((one) => nameIn(one) === "username");
    const { of } = await replay(round, { users: ["USERNAME"] });
    expectRecorded(await of("reddit_posts"), round, POSTS);
    expectRecorded(await of("reddit_users"), round, USERS);
  });

  it("give every result of a search, for posts and for subreddits", async () => {
    const posts = recorded("search_posts");
    const found = [...recorded("subreddits_search"), ...recorded("subreddits_new").toReversed()];
    const chain = found.slice(1).map(({ request, ...rest }) => ({
      ...rest,
      request: { ...request, url: request.url.replace("/subreddits/new", "/subreddits/search") },
    }));
    const { of } = await replay([...posts, ...chain], {
      search: [
        { query: "praw oauth search", limit: 1000 },
        { query: "test", subreddit: "reddit_api_test", sort: "new" },
        { query: "everything", type: "subreddits", limit: 1000 },
      ],
    });
    expectRecorded(await of("reddit_posts"), posts, POSTS);
    expectRecorded(await of("reddit_subreddits"), chain, SUBREDDITS);
  });

  it("give karma and age of authors by their ids", async () => {
    const [batch] = recorded("user_data_by_account_ids");
    const [posts] = recorded("listing_rising");
    const { of, asked } = await replay([batch!, posts!], {
      subreddits: ["askreddit"],
      listings: [{ sort: "rising" }],
      authors: "batch",
    });
    expect(asked.filter((path) => path.startsWith("/api/user_data"))).not.toEqual([]);
    const accounts = Object.entries(batch!.response.body as Record<string, Record<string, unknown>>);
    const got = await of("reddit_users");
    expect(got.map(({ reddit_id }) => `t2_${String(reddit_id)}`).toSorted()).toEqual(
      accounts.map(([id]) => id).toSorted(),
    );
    for (const user of got) {
      const { name, link_karma, comment_karma } =
        Object.fromEntries(accounts)[`t2_${String(user["reddit_id"])}`]!;
      expect(user).toMatchObject({ username: name, link_karma, comment_karma });
    }
  });

  it("give every comment of the trees, those included that the trees only count", async () => {
    const more = recorded("morechildren");
    const trees = recorded("comments_tree").filter(({ request }) => !/\/_\//.test(request.url));
    const posts = [
      ...trees.flatMap(({ response }) => thingsOf(response.body, "t3")),
      ...["3hahrw", "n49rw"].map((id) => ({ id, name: `t3_${id}`, subreddit: "replayed", num_comments: 9 })),
    ].map((data) => ({ kind: "t3", data: { ...data, num_comments: 9 } }));
    const stubOf = (id: string) => {
      const comments = more.flatMap(({ response }) => thingsOf(response.body, "t1"));
      const children = comments.filter(({ link_id }) => link_id === `t3_${id}`).map((raw) => raw["id"]);
      return { kind: "more", data: { id: children[0], name: "t1_x", count: children.length, children } };
    };
    const { of } = await replay(
      [...trees, ...more],
      { subreddits: ["replayed"], listings: [{ sort: "new" }], comments: { per_post: 500 } },
      ({ pathname }) => {
        if (pathname === "/r/replayed/new") return json(200, listing(posts));
        const id = /^\/comments\/(3hahrw|n49rw)$/.exec(pathname)?.[1];
        return id ? json(200, [listing([]), listing([stubOf(id)])]) : undefined;
      },
    );
    expectRecorded(await of("reddit_comments"), [...trees, ...more], COMMENTS);
  });
});

/** The recordings that a chain gets to: first pages, and those that a cursor of one leads to. */
function reached(round: readonly Recorded[]): Recorded[] {
  const byKey = new Map(round.map((recording) => [recordedKey(recording), recording]));
  const seen = new Set<Recorded>();
  for (let page of round.filter(({ request }) => !new URL(request.url).searchParams.has("after"))) {
    for (let next: Recorded | undefined = page; next && !seen.has(next); next = followed(next, byKey))
      seen.add(next);
  }
  return [...seen];
}

function followed(page: Recorded, byKey: ReadonlyMap<string, Recorded>): Recorded | undefined {
  const { after } = (page.response.body as { data: { after?: string | null } }).data;
  return after ? byKey.get(recordedKey(page).replace(/[^?]*$/, after)) : undefined;
}
