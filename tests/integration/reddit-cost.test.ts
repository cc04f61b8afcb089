import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { compareWithTruth, DEFAULT_LISTINGS } from "../../shared/cli/compare-truth.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { items, testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });

it("costs at most 3.1 requests a subreddit and one for a hundred new authors, by the site's own log", async () => {
  const sandbox = await startSandbox({ seed: 5, subreddits: 100, users: 1_500, postsPerSubreddit: 120 });
  onTestFinished(() => sandbox.close());
  const truth = async <T>(path: string) =>
    (await (await fetch(`${sandbox.url}/_sandbox/${path}`)).json()) as T;
  const { names } = await truth<{ names: string[] }>("truth?count=50");
  const config = await testConfig(sandbox.env);
  await runActor(actor, { config, log, input: { subreddits: names } });

  const known = new Set<string>();
  let authorCalls = 0;
  for (const name of names) {
    const response = await fetch(`${sandbox.url}/_sandbox/truth/authors/${name}`);
    const authors = response.ok ? ((await response.json()) as string[]) : [];
    authorCalls += Math.ceil(authors.filter((author) => !known.has(author)).length / 100);
    for (const author of authors) known.add(author);
  }
  const asked = (await truth<{ path: string }[]>("log")).filter(({ path }) => path.startsWith("/oauth"));
  expect(asked.length).toBeLessThanOrEqual(3.1 * names.length + authorCalls);
  const crawled = { names, listings: DEFAULT_LISTINGS, isWhole: true };
  const comparisons = await compareWithTruth(sandbox.url, config.storageDir, crawled);
  const unexpected = comparisons.flatMap(({ differences }) => differences);
  // Discoveries were not asked for.
  expect(unexpected.filter((difference) => !difference.startsWith("reddit_discoveries"))).toEqual([]);
});

it("asks a second time only for what is new, and misses nothing", async () => {
  const sandbox = await startSandbox({ seed: 9, subreddits: 40, users: 600, growth: 1 });
  onTestFinished(() => sandbox.close());
  const truth = async <T>(path: string) =>
    (await (await fetch(`${sandbox.url}/_sandbox/${path}`)).json()) as T;
  const { names } = await truth<{ names: string[] }>("truth?count=6");
  const config = await testConfig(sandbox.env);
  const input = {
    subreddits: names,
    listings: [{ sort: "new", limit: 1000 }],
    until_known: true,
    rules: false,
    authors: "none",
  };
  const newest = async () => {
    const lists = await Promise.all(
      names.map(async (name) => {
        const response = await fetch(`${sandbox.url}/_sandbox/truth/listings/${name}/new?limit=1000`);
        return response.ok ? ((await response.json()) as string[]) : [];
      }),
    );
    return new Set(lists.flat());
  };
  const ids = async () =>
    new Set((await items(config, "reddit_posts")).map((item) => String(item["reddit_id"])));

  const first = await runActor(actor, { config, log, input });
  const before = await ids();
  expect(before).toEqual(await newest());

  await fetch(`${sandbox.url}/_sandbox/time`, {
    method: "POST",
    body: JSON.stringify({ advance_secs: 3 * 86_400 }),
  });
  const second = await runActor(actor, { config, log, input });
  const fresh = (await newest()).difference(before);
  expect(fresh.size).toBeGreaterThan(0);
  expect(fresh.difference(await ids())).toEqual(new Set());
  expect(second.summary!.requestsSent).toBeLessThan(first.summary!.requestsSent);
});
