import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import { startSandbox, type SandboxOptions } from "../../sandbox/sandbox.ts";
import { compareFields } from "../../shared/cli/compare-truth.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import { items, testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });

async function startWorld(options: SandboxOptions = {}) {
  const sandbox = await startSandbox({ seed: 11, subreddits: 60, users: 600, ...options });
  onTestFinished(() => sandbox.close());
  const config = await testConfig(sandbox.env);
  const truth = async <T>(path: string) =>
    (await (await fetch(`${sandbox.url}/_sandbox/truth${path}`)).json()) as T;
  return {
    truth,
    of: (dataset: string) => items(config, dataset),
    crawl: async (input: object) => (await runActor(actor, { config, log, input })).summary!,
  };
}

it("every state of a subreddit is told as it is, under the name as Reddit spells it", async () => {
  const { truth, crawl, of } = await startWorld();
  const { names } = await truth<{ names: string[] }>("?count=25");
  const [{ author_username: author }] = (await truth<[Item]>(
    `/posts?ids=${(await truth<string[]>(`/listings/${names[0]}/new?limit=1`))[0]}`,
  ))!;
  const profile = `u_${String(author)}`;
  // Half of unknown names are answered by a redirect, and half by a plain 404.
  const unknown = ["nosuchname1", "nosuchname2", "nosuchname3", "nosuchname4", "nosuchname5"];
  const asked = [...names, profile].map((name) => name.toUpperCase());
  const subreddits = [...asked, ...unknown];
  const summary = await crawl({ subreddits, authors: "none", rules: false });

  expect(summary.status).toBe("SUCCEEDED");
  const got = await of("reddit_subreddits");
  expect(got).toHaveLength(names.length + 1 + unknown.length);
  for (const item of got) {
    const expected = await truth<Item>(`/subreddits/${String(item["name"])}`);
    // Nobody tells how a closed subreddit is spelled.
    const spelling = item["availability"] === "ok" ? {} : { name: item["name"] };
    const facts = Object.fromEntries(Object.keys(expected).map((field) => [field, item[field]]));
    expect(compareFields(String(item["name"]), { ...expected, ...spelling }, facts)).toEqual([]);
  }
  const states = got.map((item) => `${String(item["availability"])}/${String(item["availability_reason"])}`);
  expect(new Set(states)).toEqual(
    new Set([
      "ok/null",
      "private/private",
      "private/gold_only",
      "banned/banned",
      "quarantined/quarantined",
      "gated/gated",
      "not_found/not_found",
    ]),
  );
  const posts = await of("reddit_posts");
  const fromProfile = await truth<string[]>(`/listings/${profile}/hot?limit=100`);
  expect(posts.filter((post) => post["subreddit_name"] === profile)).toHaveLength(fromProfile.length);
});

it.each([
  { kind: "rerank" as const, overlap: 30 },
  { kind: "lost_anchor" as const, times: 1 },
])("a listing is whole, each post once, whatever befalls its pages: $kind", async (fault) => {
  const { truth, crawl, of } = await startWorld({ faults: [{ ...fault, match: "/new\\?.*after=" }] });
  const { names } = await truth<{ names: string[] }>("?count=1");
  const listings = [{ sort: "new", limit: 1000 }];
  await crawl({ subreddits: names, authors: "none", rules: false, listings });
  const ids = (await of("reddit_posts")).map((post) => post["reddit_id"]);
  expect(ids.toSorted()).toEqual((await truth<string[]>(`/listings/${names[0]}/new`)).toSorted());
  expect(ids).toHaveLength(1000);
});

it("a cursor that repeats ends its listing, and nothing else", async () => {
  const { truth, crawl, of } = await startWorld({ faults: [{ kind: "repeating_after", match: "/new\\?" }] });
  const { names } = await truth<{ names: string[] }>("?count=2");
  const listings = [
    { sort: "new", limit: 1000 },
    { sort: "top", time: "all", limit: 50 },
  ];
  const { status } = await crawl({ subreddits: names, authors: "none", rules: false, listings });
  expect(status).toBe("SUCCEEDED");
  const ids = new Set((await of("reddit_posts")).map((post) => post["reddit_id"]));
  const newest = await truth<string[]>(`/listings/${names[0]}/new?limit=200`);
  const best = await truth<string[]>(`/listings/${names[1]}/top?t=all&limit=50`);
  for (const id of [...newest, ...best]) expect(ids).toContain(id);
});
