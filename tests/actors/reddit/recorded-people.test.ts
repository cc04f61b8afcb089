import { expect, it } from "vitest";
import { parseMoreChildren, parseTree, toComment } from "../../../actors/reddit/parse-comment.ts";
import { parseListing } from "../../../actors/reddit/parse-listing.ts";
import { readPost } from "../../../actors/reddit/parse-post.ts";
import { parseRules } from "../../../actors/reddit/parse-rules.ts";
import { parseAccounts, parseUserAbout } from "../../../actors/reddit/parse-user.ts";
import { describeRecorded, recordings, thingsOf, type RawThing } from "./recordings.ts";

/** As it is stored: without what was left out. */
const stored = (value: unknown) => JSON.parse(JSON.stringify(value));
const iso = (secs: number) => new Date(secs * 1000).toJSON();

interface RawUser extends RawThing {
  id: string;
  comment_karma: number;
  link_karma: number;
  total_karma?: number;
  hide_from_robots?: boolean;
  subreddit?: Record<string, unknown> | null;
}

const SAME_OF_USERS = [
  "comment_karma link_karma awardee_karma awarder_karma is_employee is_mod is_gold verified has_verified_email",
  "is_suspended accept_followers",
].flatMap((line) => line.split(" "));

const NO_PROFILE = Object.fromEntries(
  ["display_name", "subscribers", "over_18", "title", "banner_img", "public_description"].map((name) => [
    name,
    null,
  ]),
);

/** Written from the column definitions and the rules about people alone. */
function expectedUser(raw: RawUser): Record<string, unknown> {
  const expected: Record<string, unknown> = {
    username: raw.name,
    reddit_id: raw.id,
    created_utc: iso(raw.created_utc),
    total_karma: raw.total_karma ?? raw.comment_karma + raw.link_karma,
    availability: "ok",
    availability_reason: null,
  };
  const copy = (from: Record<string, unknown>, fields: Record<string, string>) => {
    for (const [to, name] of Object.entries(fields)) if (name in from) expected[to] = from[name];
  };
  copy(raw, Object.fromEntries(SAME_OF_USERS.map((name) => [name, name])));
  // Of an account without a profile, each of its fields is none.
  const profile = raw.subreddit === null ? NO_PROFILE : raw.subreddit;
  if (profile)
    copy(profile, {
      subreddit_display_name: "display_name",
      subreddit_subscribers: "subscribers",
      subreddit_over_18: "over_18",
    });
  if (raw.hide_from_robots) return expected;
  copy(raw, { icon_img: "icon_img" });
  if (!profile) return expected;
  copy(profile, { subreddit_title: "title", subreddit_banner_img: "banner_img", bio: "public_description" });
  return { ...expected, bio_url: null };
}

interface RawComment extends RawThing {
  id: string;
  author: string;
  edited: boolean | number;
  subreddit: string;
}

const SAME_OF_COMMENTS = [
  "link_id parent_id author_fullname author_flair_text body score score_hidden controversiality depth is_submitter",
  "stickied locked archived distinguished gilded total_awards_received permalink",
].flatMap((line) => line.split(" "));

/** Written from the fields' definitions alone. */
function expectedComment(raw: RawComment): Record<string, unknown> {
  const expected: Record<string, unknown> = {
    reddit_id: raw.id,
    subreddit_name: raw.subreddit,
    author_username: raw.author === "[deleted]" ? null : raw.author,
    created_utc: iso(raw.created_utc),
  };
  if (raw.edited !== true) expected["edited_at"] = raw.edited === false ? null : iso(Number(raw.edited));
  for (const name of SAME_OF_COMMENTS) if (name in raw) expected[name] = raw[name];
  return expected;
}

describeRecorded("people", () => {
  it.each(recordings("user_about"))("$name: every field", ({ body }) => {
    const [raw] = thingsOf<RawUser>(body, "t2");
    const { user, isOpen } = parseUserAbout(body);
    expect(stored(user)).toEqual(expectedUser(raw!));
    expect(isOpen).toBe(raw!.hide_from_robots === false);
  });

  it.each(recordings("user_data_by_account_ids"))("$name: karma and age of each", ({ body }) => {
    const { authors, skipped } = parseAccounts(body);
    const raw = Object.entries(body as Record<string, RawUser>);
    expect(skipped).toEqual([]);
    expect(authors).toEqual(
      raw.map(([id, { name, created_utc, link_karma, comment_karma }]) => ({
        username: name,
        reddit_id: id.replace("t2_", ""),
        created_utc: iso(created_utc),
        link_karma,
        comment_karma,
      })),
    );
  });

  it.each(recordings("user_overview"))("$name: every post and comment", ({ body }) => {
    const { items, skipped } = parseListing(body, { t3: readPost, t1: toComment });
    expect(skipped).toEqual([]);
    expect(items.t3.map(({ post }) => post.reddit_id)).toEqual(thingsOf(body, "t3").map((raw) => raw["id"]));
    expect(stored(items.t1)).toEqual(thingsOf<RawComment>(body, "t1").map(expectedComment));
  });
});

describeRecorded("comments", () => {
  it.each(recordings("comments_tree"))("$name: every comment, every field", ({ body }) => {
    const { comments, skipped, moreIds } = parseTree(body);
    expect(skipped).toEqual([]);
    expect(stored(comments)).toEqual(thingsOf<RawComment>(body, "t1").map(expectedComment));
    expect(moreIds).toEqual(thingsOf(body, "more").flatMap((raw) => raw["children"]));
  });

  it.each(recordings("morechildren"))("$name: every comment, every field", ({ body }) => {
    const { comments, skipped, moreIds } = parseMoreChildren(body);
    expect(skipped).toEqual([]);
    expect(stored(comments)).toEqual(thingsOf<RawComment>(body, "t1").map(expectedComment));
    expect(moreIds).toEqual(thingsOf(body, "more").flatMap((raw) => raw["children"]));
  });

  it.each(recordings("info").filter(({ body }) => thingsOf(body, "t1").length > 0))(
    "$name: a comment by id",
    ({ body }) => {
      const { items } = parseListing(body, { t1: toComment });
      expect(stored(items.t1)).toEqual(thingsOf<RawComment>(body, "t1").map(expectedComment));
    },
  );
});

describeRecorded("rules", () => {
  it.each(recordings("subreddit_rules"))("$name: every rule in one shape", ({ body }) => {
    const { rules } = body as { rules: Record<string, unknown>[] };
    expect(stored(parseRules(body))).toEqual(
      rules.map(({ short_name, kind, priority, description, violation_reason }) => ({
        short_name,
        kind,
        priority,
        description,
        violation_reason,
      })),
    );
  });
});
