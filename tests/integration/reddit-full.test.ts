import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import { startSandbox, type SandboxOptions } from "../../sandbox/sandbox.ts";
import { compareFields, DEFAULT_LISTINGS } from "../../shared/cli/compare-truth.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import { items, testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });

/** A stand-in world and a crawl of it. */
async function startWorld(options: SandboxOptions) {
  const sandbox = await startSandbox({ seed: 11, budgetRequests: 100_000, ...options });
  onTestFinished(() => sandbox.close());
  const config = await testConfig(sandbox.env);
  const truth = async <T>(path: string): Promise<T | null> => {
    const response = await fetch(`${sandbox.url}/_sandbox/truth${path}`);
    return response.ok ? ((await response.json()) as T) : null;
  };
  const crawl = async (input: object) => {
    const { summary } = await runActor(actor, { config, log, input });
    expect(summary?.status).toBe("SUCCEEDED");
  };
  return { truth, crawl, of: (dataset: string) => items(config, dataset) };
}
type World = Awaited<ReturnType<typeof startWorld>>;

async function firstNames({ truth }: World, count: number): Promise<string[]> {
  return (await truth<{ names: string[] }>(`?count=${count}`))!.names;
}

/** Ids of posts in the default listings of the subreddits that are open. */
async function listed({ truth }: World, names: readonly string[]): Promise<string[]> {
  const paths = names.flatMap((name) =>
    DEFAULT_LISTINGS.map(({ sort, limit }) => `/listings/${name}/${sort}?t=week&limit=${limit}`),
  );
  return (await Promise.all(paths.map(async (path) => (await truth<string[]>(path)) ?? []))).flat();
}

/** Without `t3_` or `t1_`. */
const idsOf = (fullnames: readonly string[], kind: "t1" | "t3") =>
  fullnames.filter((name) => name.startsWith(kind)).map((name) => name.slice(3));

async function expectPosts({ truth, of }: World, ids: readonly string[]): Promise<Item[]> {
  const posts = await of("reddit_posts");
  expect(new Set(posts.map((post) => post["reddit_id"]))).toEqual(new Set(ids));
  for (const post of posts) {
    const id = String(post["reddit_id"]);
    expect(compareFields(id, (await truth<Item>(`/posts/${id}`))!, post)).toEqual([]);
  }
  return posts;
}

/** What `about`, history and, for authors of listed posts, the call for a hundred come to. */
async function expectedUser(
  { truth }: World,
  item: Item,
  { isPoster, isListed }: { isPoster: boolean; isListed: boolean },
): Promise<Item> {
  const observedAt = Date.parse(String(item["observed_at"])) / 1000;
  const {
    hides_history: _,
    hides_from_robots,
    ...user
  } = (await truth<Item>(`/users/${String(item["username"])}?observed_at=${observedAt}`))!;
  if (user["availability"] !== "ok") {
    const [batch] = isListed ? (await truth<Item[]>(`/users?ids=${String(item["reddit_id"])}`))! : [];
    return { ...batch, ...user };
  }
  if (hides_from_robots) return user;
  const isEmpty = user["total_posts_analyzed"] === 0;
  const hasPosts = isPoster || Number(user["link_karma"]) > 1;
  return { ...user, history_hidden: isEmpty ? (hasPosts ? "likely" : "unknown") : "no" };
}

it("authors in full are as the world has them: profile, figures, availability, histories", async () => {
  const world = await startWorld({ subreddits: 60, users: 600 });
  const { truth, crawl, of } = world;
  const names = await firstNames(world, 8);
  const asked = await Promise.all(
    (await firstNames(world, 60)).slice(40).map((name) => listed(world, [name])),
  );
  const others = (await truth<Item[]>(`/posts?ids=${asked.flat().slice(0, 300).join(",")}`))!;
  const users = [...new Set(others.flatMap((post) => (post["author_username"] as string | null) ?? []))];
  users.splice(40);
  await crawl({
    subreddits: names,
    authors: "full",
    users: [...users, "nobody_of_this_name"],
    user_history: { limit: 1000 },
  });

  const ids = await listed(world, names);
  const authors = new Map<string, Item>();
  for (const id of ids) {
    const post = (await truth<Item>(`/posts/${id}`))!;
    if (post["author_username"]) authors.set(String(post["author_username"]), post);
  }
  const got = await of("reddit_users");
  expect(new Set(got.map((user) => user["username"]))).toEqual(
    new Set([...authors.keys(), ...users, "nobody_of_this_name"]),
  );
  const seen = new Set<unknown>();
  for (const item of got) {
    const username = String(item["username"]);
    const isListed = authors.has(username);
    const expected = await expectedUser(world, item, {
      isPoster: isListed && !users.includes(username),
      isListed,
    });
    expect(compareFields(username, expected, item)).toEqual([]);
    seen.add(item["availability"]).add(item["history_hidden"]);
    if (item["availability"] === "ok" && item["history_hidden"] === undefined) seen.add("hides from robots");
    if (item["history_hidden"] !== undefined)
      ids.push(...idsOf((await truth<string[]>(`/users/${username}/submitted`))!, "t3"));
  }
  const cases = ["ok", "not_found", "suspended", "no", "likely", "hides from robots"];
  expect([...seen]).toEqual(expect.arrayContaining(cases));
  await expectPosts(world, ids);
});

it("histories have what the world shows of them, to the last page and up to a thousand items", async () => {
  // The feed of a large community is one person's.
  const world = await startWorld({ subreddits: 10, users: 40, postsPerSubreddit: 60 });
  const { truth, crawl, of } = world;
  const posts = (await truth<Item[]>(
    `/posts?ids=${(await listed(world, await firstNames(world, 6))).join(",")}`,
  ))!;
  const users = [...new Set(posts.flatMap((post) => (post["author_username"] as string | null) ?? []))].slice(
    0,
    8,
  );
  await crawl({ users, user_history: { listing: "overview", limit: 1000 }, discover: true });

  const people = await of("reddit_users");
  const overviews = await Promise.all(
    people.map(async ({ username, history_hidden }) =>
      history_hidden === undefined ? [] : (await truth<string[]>(`/users/${String(username)}/overview`))!,
    ),
  );
  expect(Math.max(...overviews.map(({ length }) => length))).toBe(1000);
  const posted = await expectPosts(world, idsOf(overviews.flat(), "t3"));
  const comments = await of("reddit_comments");
  expect(new Set(comments.map((comment) => comment["reddit_id"]))).toEqual(
    new Set(idsOf(overviews.flat(), "t1")),
  );
  for (const item of people) {
    // Within a thousand items of both kinds there are thirty posts, or all.
    const expected = await expectedUser(world, item, { isPoster: false, isListed: false });
    expect(compareFields(String(item["username"]), expected, item)).toEqual([]);
  }
  const places = posted.filter(({ subreddit_name: name }) => !String(name).startsWith("u_"));
  const discoveries = (await of("reddit_discoveries")).filter(({ seen_in }) =>
    String(seen_in).startsWith("u/"),
  );
  const found = new Set(discoveries.map(({ name, seen_in }) => `${String(name)} ${String(seen_in)}`));
  for (const { subreddit_name: name, author_username: username } of places)
    expect(found).toContain(`${String(name)} u/${String(username)}`);
});

it("comments are as the world has them, stubs included, as deep as Reddit shows them", async () => {
  const world = await startWorld({ seed: 7, subreddits: 40, users: 300, postsPerSubreddit: 10 });
  const { truth, crawl, of } = world;
  const names = await firstNames(world, 4);
  await crawl({ subreddits: names, authors: "none", rules: false, comments: { per_post: 10_000 } });

  const posts = await expectPosts(world, await listed(world, names));
  const comments = Map.groupBy(await of("reddit_comments"), (comment) => comment["link_id"]);
  const sizes: number[] = [];
  for (const { reddit_id: id } of posts) {
    const expected = new Map(
      (await truth<Item[]>(`/comments/${String(id)}`))!.map((comment) => [comment["reddit_id"], comment]),
    );
    sizes.push(expected.size);
    for (const comment of comments.get(`t3_${String(id)}`) ?? []) {
      const commentId = comment["reddit_id"];
      expect(compareFields(String(commentId), expected.get(commentId) ?? {}, comment)).toEqual([]);
      expected.delete(commentId);
    }
    // Below the tenth level a thread goes on elsewhere.
    expect([...expected.values()].filter(({ depth }) => Number(depth) < 10)).toEqual([]);
  }
  // More than one answer holds.
  expect(Math.max(...sizes)).toBeGreaterThan(1000);
});

it("searches find what the world shows, over all and in one subreddit, and subreddits by name", async () => {
  const world = await startWorld({ subreddits: 60, users: 600 });
  const { truth, crawl, of } = world;
  const [name] = await firstNames(world, 1);
  const search = [
    { query: "best", limit: 1000 },
    { query: "my", subreddit: name, sort: "top", limit: 1000 },
    { query: name!.slice(0, 5), type: "subreddits", limit: 1000 },
  ];
  await crawl({ search, discover: true });

  const everywhere = (await truth<string[]>("/search?q=best"))!;
  const here = (await truth<string[]>(`/search?q=my&within=${name}&sort=top`))!;
  expect(everywhere).toHaveLength(250);
  expect(here).toHaveLength(250);
  const posts = await expectPosts(world, idsOf([...everywhere, ...here], "t3"));
  const subreddits = await of("reddit_subreddits");
  const found = (await truth<string[]>(`/search/subreddits?q=${name!.slice(0, 5)}`))!;
  expect(new Set(subreddits.map(({ reddit_id: id }) => `t5_${String(id)}`))).toEqual(new Set(found));
  for (const item of subreddits) {
    const truthItem = (await truth<Item>(`/subreddits/${String(item["name"])}`))!;
    expect(compareFields(String(item["name"]), truthItem, item)).toEqual([]);
  }

  const ids = new Set(posts.flatMap(({ author_fullname: id }) => (id ? [String(id)] : [])));
  const accounts = await truth<(Item | null)[]>(`/users?ids=${[...ids].join(",")}`);
  const users = new Map((await of("reddit_users")).map((user) => [user["username"], user]));
  for (const account of accounts!.filter((known) => known !== null))
    expect(compareFields(String(account["username"]), account, users.get(account["username"]) ?? {})).toEqual(
      [],
    );
  expect(users.size).toBe(accounts!.filter((known) => known !== null).length);
});
