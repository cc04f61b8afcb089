import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { actor } from "../../actors/instagram/main.ts";
import type { Config } from "../../shared/config.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import type { Item, PushedItem } from "../../shared/crawl/run-storage.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { forget } from "../../shared/db/forget.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { dump } from "./db-dump.ts";
import { Queue, request } from "./db-queue-calls.ts";
import { startWorld, type World } from "./instagram-world.ts";
import { testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });
let cluster: TestCluster;
let database: Database;
let databaseUrl: string;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  const settings = await cluster.createMigratedConfig();
  databaseUrl = settings.databaseUrl!;
  database = await openDatabase(settings, { applicationName: "tests" });
  onTestFinished(() => database.close());
});

const worldConfig = (world: World): Promise<Config> =>
  testConfig({ ...world.env, DATABASE_URL: databaseUrl });

async function crawl(config: Config, input: object): Promise<void> {
  const { summary } = await runActor(actor, { config, log, input, database: {} });
  expect(summary?.status).toBe("SUCCEEDED");
}

interface Creator {
  name: string;
  id: string;
}

/** Finds the name and the id of a creator, also as part of something, but not within another name or number. */
function traceOf({ name, id }: Creator): RegExp {
  return new RegExp(
    String.raw`(?:(?<![\w.])|\\[nrt])${name.replaceAll(".", String.raw`\.`)}(?![\w])|(?<!\d)${id}(?!\d)|(?<=%22)${id}`,
    "gi",
  );
}

const pushed = (dataset: string, key: string, item: Item): PushedItem => ({
  dataset,
  key,
  item: { observed_at: "2026-03-01T12:00:00Z", source: "/x", ...item },
});

async function counts(): Promise<unknown> {
  const { rows } = await database.pool.query(
    `select (select count(*) from instagram_creators) as creators, (select count(*) from instagram_posts) as posts,
    (select count(*) from instagram_reels) as reels`,
  );
  return rows[0];
}

it.each(["api", "web"])(
  "leaves no trace of creators that the world is full of, nor does a later crawl: %s",
  async (source) => {
    const world = await startWorld({ instagram: { creators: 20 } });
    const config = await worldConfig(world);
    const input = { ids: world.ids, usernames: world.names, related: true, source };
    await crawl(config, input);
    // Whom others mention, and one whose id is beyond 2^53.
    const forgotten = [1, 2, 4].map((index) => ({ name: world.names[index]!, id: world.ids[index]! }));
    for (const [index, creator] of forgotten.entries()) {
      const before = (await dump(database.pool)).match(traceOf(creator));
      expect(before!.length).toBeGreaterThan(5);
      await forget(database.pool, "instagram_creator", index === 0 ? creator.id : creator.name.toUpperCase());
      expect((await dump(database.pool)).match(traceOf(creator))).toBeNull();
    }
    const left = await counts();
    await crawl(config, {
      ...input,
      creators: forgotten.map(({ name, id }) => ({ ig_user_id: id, username: name })),
    });
    const later = await dump(database.pool);
    expect(forgotten.map((creator) => later.match(traceOf(creator)))).toEqual([null, null, null]);
    expect(await counts()).toEqual(left);
    const { rows } = await database.pool.query("select count(*) as n from failed_items");
    expect(rows).toEqual([{ n: 0 }]);
  },
);

const NAME = "jane.of_york";
const OLD = "janeyork";
const NEW = "janes.new.name";
const ID = "9107199254749999999";
const FULL_NAME = "Jane Nobody-Else";

/** A run that meets the creator in every role. */
async function meet(runId: string, username: string): Promise<Queue> {
  const { rows } = await database.pool.query("select open_run($1, 'instagram', $2) as number", [
    runId,
    {
      usernames: [OLD, `@${NAME}`, `https://www.instagram.com/${NAME}/`, "other"],
      ids: [ID],
      creators: [{ ig_user_id: ID, username: NAME }],
    },
  ]);
  const queue = new Queue(database.pool, rows[0].number);
  const variables = encodeURIComponent(JSON.stringify({ id: ID }));
  const person = { ig_user_id: ID, username };
  await queue.add([
    request(`profile browser ${NAME}`, { url: `https://www.instagram.com/${NAME}/#profile` }),
    request("by id", { url: `https://instagram-looter2.p.rapidapi.com/profile?id=${ID}` }),
    request("query", { url: `https://www.instagram.com/graphql/query/?document=x&variables=${variables}` }),
    request("chain", {
      url: "https://www.instagram.com/x",
      userData: { chain: { creator: person } },
    }),
    request("listing", {
      url: "https://www.instagram.com/other/",
      userData: { chain: { creator: { ig_user_id: "2", username: "other" }, sample: { mentions: [NAME] } } },
    }),
  ]);
  const medium = { ig_user_id: "2", coauthors: [person], sponsor_tags: [], tagged_users: [person] };
  await queue.push([
    pushed("instagram_creators", ID, {
      ig_user_id: ID,
      username,
      previous_usernames: [OLD],
      full_name: FULL_NAME,
      followers_count: 5,
    }),
    pushed("instagram_creators", "2", {
      ig_user_id: "2",
      username: "other",
      biography: `Married to @${username}.\n@${NAME} loves me`,
      top_mentions: [
        { name: NAME, count: 2 },
        { name: "else", count: 1 },
      ],
    }),
    pushed("instagram_posts", "own-post", {
      media_id: "own-post",
      ig_user_id: ID,
      like_count: 1,
      comment_count: 1,
    }),
    pushed("instagram_reels", "own-reel", { media_id: "own-reel", ig_user_id: ID, play_count: 1 }),
    pushed("instagram_posts", "p2", {
      media_id: "p2",
      ...medium,
      caption_text: `With @${NAME}, @${NAME}.fan and @not_${NAME}. And @${OLD}!`,
      mentions: [NAME, `${NAME}.fan`, OLD],
      tagged_users: [person, { ig_user_id: "3", username: "third" }],
    }),
    pushed("instagram_related", `${ID}\u001f2`, {
      source_ig_user_id: ID,
      target_ig_user_id: "2",
      target_username: "other",
      rank: 1,
    }),
    pushed("instagram_related", `2\u001f${ID}`, {
      source_ig_user_id: "2",
      target_ig_user_id: ID,
      target_username: username,
      target_full_name: FULL_NAME,
      rank: 1,
    }),
    pushed("instagram_related", `${ID}\u001f4`, {
      source_ig_user_id: ID,
      target_ig_user_id: "4",
      target_username: "fourth",
      rank: 2,
    }),
    pushed("failed_requests", "f", {
      request_id: "f",
      url: `https://www.instagram.com/api/v1/users/web_profile_info/?username=${NAME}`,
      subject: `@${NAME}`,
    }),
    pushed("failed_requests", "g", {
      request_id: "g",
      url: "https://www.instagram.com/other/",
      last_error: `expected other, got ${ID}: the name ${NAME} is another's now`,
    }),
    pushed("instagram_posts", "own-bad", { media_id: "own-bad", ig_user_id: ID, like_count: "many" }),
  ]);
  const { pool } = database;
  await pool.query("select put_record($1, $2, 'application/json', $3)", [
    runId,
    `known-creator-${ID}`,
    Buffer.from(JSON.stringify({ username })),
  ]);
  await pool.query("select put_record($1, 'OUTPUT', 'application/json', $2)", [
    runId,
    Buffer.from(
      JSON.stringify({ subjects: { [`@${NAME}`]: { posts: 1 }, [ID]: {}, "@other": { posts: 1 } } }),
    ),
  ]);
  await pool.query("select write_logs($1)", [
    JSON.stringify([{ source: "instagram", level: "warn", message: `no answer about @${OLD} (${ID})` }]),
  ]);
  await pool.query("insert into run_logs (run_id, start_offset, text) values ($1, 0, $2)", [
    runId,
    `GET ?variables=${variables}\n`,
  ]);
  return queue;
}

const TRACE = new RegExp(
  String.raw`(?<!not_)jane\.of_york(?!\.fan)|${OLD}|${NEW}|${ID}|${FULL_NAME}|own-(post|reel|bad)`,
  "i",
);

it("leaves no trace in whatever role the creator was met, nor later under old names, the id or a new name", async () => {
  const { pool } = database;
  await meet("r1", NAME);
  expect((await dump(pool)).match(new RegExp(TRACE, "gi"))!.length).toBeGreaterThan(30);
  await pool.query("select due_creators(10, 'r1')");
  const erased = await forget(pool, "instagram_creator", NAME);
  expect(erased).toMatchObject({
    instagram_creators: 1,
    instagram_posts: 1,
    instagram_reels: 1,
    instagram_related: 3,
  });
  expect((await dump(pool)).match(TRACE)).toBeNull();
  const { rows: kept } = await pool.query(
    `select p.caption_text, p.mentions, p.coauthors, p.tagged_users, c.biography, c.top_mentions
    from instagram_posts p join instagram_creators c using (ig_user_id)`,
  );
  const expected = {
    caption_text: `With [forgotten], @${NAME}.fan and @not_${NAME}. And [forgotten]!`,
    mentions: [`${NAME}.fan`],
    coauthors: [],
    tagged_users: [{ ig_user_id: "3", username: "third" }],
    biography: "Married to [forgotten].\n[forgotten] loves me",
    top_mentions: [{ name: "else", count: 1 }],
  };
  expect(kept).toEqual([expected]);
  for (const [runId, username] of [
    ["r2", NAME],
    ["r3", NEW],
    ["r4", OLD],
  ] as const) {
    const queue = await meet(runId, username);
    expect((await dump(pool)).match(TRACE)).toBeNull();
    const { rows } = await pool.query(
      "select input, array(select url from requests where run_number = $1 and url ~ 'instagram') as urls from runs where number = $1",
      [queue.run],
    );
    expect(rows).toEqual([
      { input: { usernames: ["other"], ids: [], creators: [] }, urls: ["https://www.instagram.com/other/"] },
    ]);
  }
  const { rows: now } = await pool.query("select ig_user_id from instagram_creators order by 1");
  expect(now).toEqual([{ ig_user_id: "2" }, { ig_user_id: "4" }]);
});

it("keeps out by all names and the id a creator of whom only a name was known", async () => {
  const { pool } = database;
  await forget(pool, "instagram_creator", NAME);
  await forget(pool, "instagram_creator", OLD);
  await meet("r1", NAME);
  await meet("r2", NEW);
  expect((await dump(pool)).match(new RegExp(`${NEW}|${FULL_NAME}`, "i"))).toBeNull();
});

it("does not take the next one who has a name for the creator that gave it up", async () => {
  const { pool } = database;
  const open = async (runId: string) => {
    const { rows } = await pool.query("select open_run($1, 'instagram', '{}') as number", [runId]);
    return new Queue(pool, rows[0].number);
  };
  const meetStranger = async (runId: string, username: string, id: string) => {
    const queue = await open(runId);
    await queue.push([pushed("instagram_creators", id, { ig_user_id: id, username, full_name: "Somebody" })]);
    const { rows: found } = await pool.query("select ig_user_id, username from instagram_creators");
    return found;
  };
  // Of whom only the name is known, the first one to be met with it is the creator.
  await forget(pool, "instagram_creator", NAME);
  expect(await meetStranger("run1", NAME, ID)).toEqual([]);
  expect(await meetStranger("run2", NEW, ID)).toEqual([]);
  expect(await meetStranger("run3", NAME, "77")).toEqual([]);
  expect(await meetStranger("run4", "nobodys_name", "77")).toEqual([
    { ig_user_id: "77", username: "nobodys_name" },
  ]);
  // The id has told the later name.
  await (
    await open("run5")
  ).push([pushed("instagram_posts", "p", { media_id: "p", ig_user_id: "77", caption_text: `by @${NEW}.` })]);
  const { rows } = await pool.query("select caption_text from instagram_posts");
  expect(rows).toEqual([{ caption_text: "by [forgotten]." }]);
});

it("leaves whoever was seen with the name without one, until it is looked at again", async () => {
  const { pool } = database;
  await pool.query(
    `insert into instagram_creators (ig_user_id, username, last_scraped_at)
    values ('77', $1, now() - interval '1 day'), ('78', upper($1), now())`,
    [NAME],
  );
  await forget(pool, "instagram_creator", NAME);
  const { rows } = await pool.query("select ig_user_id, username from instagram_creators");
  expect(rows).toEqual([{ ig_user_id: "77", username: null }]);
});

it("keeps a creator out who has a new name since, beside whomever the site shows it", async () => {
  const world = await startWorld({ growth: 1, instagram: { creators: 20 } });
  const config = await worldConfig(world);
  const renamed = { name: world.names[11]!, id: world.ids[11]! };
  await crawl(config, { ids: world.ids, related: true, posts: 12, reels: 6 });
  await forget(database.pool, "instagram_creator", renamed.name);
  await world.control("time", { advance_secs: 2 * 86_400 });
  const { renamed: names } = await world.truth<{ renamed: Record<string, string[]> }>("instagram");
  expect(names).toEqual({ "the.real.11": [renamed.name] });
  await crawl(config, { ids: world.ids, related: true, posts: 12, reels: 6 });
  const later = await dump(database.pool);
  expect(later.match(traceOf(renamed))).toBeNull();
  expect(later.match(/the\.real\.11(?!\d)/)).toBeNull();
  // Asked for by the new name, which nothing has told so far, it is not kept either.
  await crawl(config, { usernames: ["the.real.11"] });
  await crawl(config, { usernames: ["the.real.11", world.names[0]!] });
  const { rows } = await database.pool.query(
    "select r.input->'usernames' as usernames, (select count(*) from requests q where q.run_number = r.number and q.url ~ 'the.real') as n from runs r order by number desc limit 1",
  );
  expect(rows).toEqual([{ usernames: [world.names[0]], n: 0 }]);
  const { rows: kept } = await database.pool.query(
    "select from instagram_creators where ig_user_id = $1 or username ~ 'the.real.11$'",
    [renamed.id],
  );
  expect(kept).toEqual([]);
});

it("leaves alone the user of Reddit who is called alike", async () => {
  const { pool } = database;
  const name = "quiet_harbor1";
  const meetUser = async (runId: string) => {
    const queue = await Queue.open(pool, runId);
    await queue.add([
      request(`user:${name}`, {
        url: `https://www.reddit.com/user/${name}/about`,
        userData: { username: name },
      }),
    ]);
    await queue.push([
      pushed("reddit_users", name, { username: name, reddit_id: "a1", bio: `I am ${name}` }),
      pushed("failed_requests", "f", { request_id: "f", url: `https://www.reddit.com/user/${name}/about` }),
    ]);
    await pool.query("select put_record($1, 'OUTPUT', 'application/json', $2)", [
      runId,
      Buffer.from(JSON.stringify({ note: name })),
    ]);
    await pool.query("select write_logs($1)", [
      JSON.stringify([{ source: "reddit", level: "warn", message: `no answer about ${name}` }]),
    ]);
    await pool.query("insert into run_logs (run_id, start_offset, text) values ($1, 0, $2)", [runId, name]);
    return (await dump(pool)).match(new RegExp(name, "g"))!.length;
  };
  const before = await meetUser("r1");
  await forget(pool, "instagram_creator", name);
  expect((await dump(pool)).match(new RegExp(name, "g"))).toHaveLength(before);
  await pool.query("delete from suppressions where kind <> 'instagram_creator'");
  const { rows } = await pool.query("select username, bio from reddit_users");
  expect(rows).toEqual([{ username: name, bio: `I am ${name}` }]);
  await meetUser("r2");
  const { rows: later } = await pool.query(
    `select (select text from run_logs where run_id = 'r2') as log, (select unique_key from requests where url ~ 'reddit' order by place desc limit 1) as key,
    (select convert_from(value, 'UTF8') from key_value_records where store = 'r2') as record,
    array(select message from system_logs) as messages`,
  );
  expect(later).toEqual([
    {
      log: name,
      key: `user:${name}`,
      record: JSON.stringify({ note: name }),
      messages: [`no answer about ${name}`, `no answer about ${name}`],
    },
  ]);
});

it("erases creators whose names have dots where no name may have them today, and keeps them out", async () => {
  const { pool } = database;
  const names = ["jane.york.", ".jane.york", "jane..york"];
  const meetAll = async (runId: string) => {
    const { rows } = await pool.query("select open_run($1, 'instagram', $2) as n", [
      runId,
      { usernames: [...names, ...names.map((name) => `https://www.instagram.com/_u/${name}/`), "other"] },
    ]);
    const queue = new Queue(pool, rows[0].n);
    await queue.add(
      names.map((name) => request(`profile ${name}`, { url: `https://www.instagram.com/${name}/#profile` })),
    );
    await queue.push([
      ...names.map((name, index) =>
        pushed("instagram_creators", `4${index}`, { ig_user_id: `4${index}`, username: name }),
      ),
      pushed("instagram_posts", runId, {
        media_id: runId,
        ig_user_id: "2",
        caption_text: `@jane.york. and @.jane.york, @jane..york.. Not @jane.york!`,
      }),
    ]);
    const { rows: found } = await pool.query(
      `select (select array_agg(username) from instagram_creators) as creators, p.caption_text, r.input->'usernames' as input,
      (select count(*) from requests where run_number = r.number and url ~ 'instagram') as requests
      from instagram_posts p, runs r where p.media_id = $1 and r.id = $1`,
      [runId],
    );
    return found[0];
  };
  expect(await meetAll("r1")).toMatchObject({ creators: names, requests: 3 });
  for (const name of names) {
    expect(await forget(pool, "instagram_creator", name)).toMatchObject({ instagram_creators: 1 });
  }
  expect(await meetAll("r2")).toEqual({
    creators: null,
    caption_text: "[forgotten] and [forgotten], [forgotten].. Not @jane.york!",
    input: ["other"],
    requests: 0,
  });
});

it("takes a name of letters alone for one only after @ or in an address, and refuses what is no name", async () => {
  const { pool } = database;
  const queue = new Queue(pool, (await pool.query("select open_run('r', 'instagram', '{}') as n")).rows[0].n);
  await queue.push([
    pushed("instagram_posts", "a", {
      media_id: "a",
      ig_user_id: "2",
      caption_text: "music by @Music. See instagram.com/music/reels!",
    }),
  ]);
  await forget(pool, "instagram_creator", "music");
  const { rows } = await pool.query("select caption_text from instagram_posts");
  expect(rows).toEqual([{ caption_text: "music by [forgotten]. See [forgotten]" }]);
  await expect(forget(pool, "instagram_creator", "a.*b")).rejects.toThrow(
    /name: expected a user name, got a\.\*b/,
  );
});
