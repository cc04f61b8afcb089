import { describe, expect, it } from "vitest";
import { parseTree, toComment } from "../../../actors/reddit/parse-comment.ts";
import { parsePosts } from "../../../actors/reddit/parse-post.ts";
import { parseAbout } from "../../../actors/reddit/parse-subreddit.ts";
import { parseUserAbout } from "../../../actors/reddit/parse-user.ts";
import { rulesRequest } from "../../../actors/reddit/requests-subreddits.ts";
import { userRequest } from "../../../actors/reddit/requests-users.ts";
import { readParts } from "../../../shared/parse/parts.ts";
import { handle } from "./handling.ts";
import { plan } from "./plans.ts";

// What the site leaves out is not told, and not in the item: the table keeps what it has. `null` is told: none.

type Body = Record<string, unknown>;

/** As it is stored: without what was left out. */
const stored = (item: object): Body => JSON.parse(JSON.stringify(item)) as Body;
const without = (body: Body, name: string) =>
  Object.fromEntries(Object.entries(body).filter(([other]) => other !== name));
const bodyOf = (names: string, value: unknown) =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, value]),
  );

const POST = {
  id: "p",
  name: "t3_p",
  subreddit: "node",
  author: "amy",
  created_utc: 1_767_323_045,
  edited: 1_767_323_045,
  poll_data: { options: [{ text: "yes", vote_count: 5 }], total_vote_count: 5 },
  crosspost_parent: "t3_q",
  ...bodyOf(
    `title selftext url domain thumbnail distinguished permalink author_fullname link_flair_text author_flair_text
    removed_by_category link_flair_template_id link_flair_background_color`,
    "text",
  ),
  ...bodyOf(
    `score num_comments upvote_ratio gilded total_awards_received subreddit_subscribers num_crossposts`,
    7,
  ),
  ...bodyOf("over_18 spoiler stickied locked is_self is_video archived is_original_content", true),
};
const SUBREDDIT = {
  id: "s",
  name: "t5_s",
  display_name: "node",
  created_utc: 1_767_323_045,
  subscribers: 7,
  allowed_media_in_comments: ["giphy"],
  ...bodyOf(
    `display_name_prefixed title description public_description subreddit_type url lang submission_type submit_text
    submit_text_html link_flair_position user_flair_position icon_img banner_img community_icon header_img
    mobile_banner_image banner_background_color primary_color key_color advertiser_category`,
    "text",
  ),
  ...bodyOf(
    `over18 allow_images allow_videos allow_polls spoilers_enabled wiki_enabled quarantine link_flair_enabled
    user_flair_enabled_in_sr restrict_posting accept_followers`,
    true,
  ),
};
const PROFILE = {
  ...bodyOf("display_name title banner_img", "text"),
  public_description: "https://a.example",
  subscribers: 7,
  over_18: true,
};
const USER: Body = {
  name: "amy",
  hide_from_robots: false,
  created_utc: 1_767_323_045,
  subreddit: PROFILE,
  ...bodyOf("comment_karma link_karma total_karma awardee_karma awarder_karma", 7),
  ...bodyOf("is_employee is_mod is_gold verified has_verified_email accept_followers", true),
  ...bodyOf("id icon_img", "text"),
};
const COMMENT = {
  id: "c",
  name: "t1_c",
  link_id: "t3_p",
  subreddit: "node",
  author: "amy",
  created_utc: 1_767_323_045,
  edited: 1_767_323_045,
  ...bodyOf("parent_id author_fullname author_flair_text body distinguished permalink", "text"),
  ...bodyOf("score controversiality depth gilded total_awards_received", 7),
  ...bodyOf("score_hidden is_submitter stickied locked archived", true),
};

const listing = (...children: unknown[]) => ({ kind: "Listing", data: { after: null, children } });
const readPost = (data: Body) => stored(parsePosts(listing({ kind: "t3", data })).posts[0]!);
const readers = {
  POST: readPost,
  SUBREDDIT: (data: Body) => stored(parseAbout({ kind: "t5", data })),
  USER: (data: Body) => stored(parseUserAbout({ kind: "t2", data }).user),
  COMMENT: (data: Body) => stored(toComment(data)),
};
const BODIES: Record<keyof typeof readers, Body> = { POST, SUBREDDIT, USER, COMMENT };
/** What goes by another name in the item, or follows from it. */
const FIELDS: Record<string, string[]> = {
  "POST.author": ["author_username"],
  "POST.edited": ["edited_at"],
  "POST.poll_data": ["poll"],
  "POST.selftext": ["selftext", "post_length"],
  "POST.created_utc": ["created_utc", "posting_hour", "posting_day_of_week"],
  "POST.score": ["score", "comment_to_upvote_ratio"],
  "POST.num_comments": ["num_comments", "comment_to_upvote_ratio"],
  "POST.link_flair_text": ["link_flair_text", "link_flair_colors"],
  "POST.link_flair_background_color": [],
  "SUBREDDIT.quarantine": ["is_quarantined"],
  "USER.hide_from_robots": [],
  "USER.id": ["reddit_id"],
  // Where it is left out, it is the sum of two others.
  "USER.total_karma": [],
  "USER.subreddit": [
    ...["display_name", "title", "subscribers", "over_18", "banner_img"].map((name) => `subreddit_${name}`),
    "bio",
    "bio_url",
  ],
  "COMMENT.author": ["author_username"],
  "COMMENT.edited": ["edited_at"],
};
const REQUIRED = /\.(id|name|subreddit|display_name|link_id)$/;
const cases = Object.entries(BODIES).flatMap(([kind, body]) =>
  Object.keys(body)
    .filter((name) => FIELDS[`${kind}.${name}`] || !REQUIRED.test(`.${name}`))
    .filter((name) => `${kind}.${name}` !== "POST.id")
    .flatMap((name) => (FIELDS[`${kind}.${name}`] ?? [name]).map((field) => [kind, name, field] as const)),
);

describe("a thing", () => {
  it.each(cases)(
    "that says none of %s.%s says so in %s, and nothing where it is left out",
    (kind, name, field) => {
      const read = readers[kind as keyof typeof readers];
      const body = BODIES[kind as keyof typeof BODIES];
      expect(read(body)[field]).not.toBeNull();
      expect(read({ ...body, [name]: null })).toHaveProperty(field, null);
      expect(read(without(body, name))).not.toHaveProperty(field);
    },
  );

  it("of a user without a sum of karma has that of the parts", () => {
    const { total_karma: _, ...rest } = USER;
    expect(readers.USER(rest)["total_karma"]).toBe(14);
    expect(readers.USER({ ...rest, total_karma: null })["total_karma"]).toBe(14);
    expect(readers.USER({ ...rest, link_karma: null })["total_karma"]).toBeNull();
  });

  it("of a user without karma has no scores", async () => {
    const data = { ...USER, comment_karma: null };
    const { items } = await handle(userRequest({ username: "amy", plan: plan(), isPoster: false }), {
      kind: "t2",
      data,
    });
    expect(items.reddit_users![0]).toMatchObject({ karma_per_day: null, overall_user_score: null });
  });
});

describe("an entry that cannot be read", () => {
  const more = (children: unknown) => ({ kind: "more", data: { children } });
  const reply = (fields: Body) => ({ kind: "t1", data: { ...COMMENT, ...fields } });

  it("of a stub of comments or of replies does not hide its neighbours, and is told", () => {
    const replies = listing(null, reply({ name: "t1_d", id: "d" }), more(["e", null, 7, "f"]));
    const read = parseTree([listing(), listing(reply({ replies }), more(["g", {}]))]);
    expect(read.comments.map(({ reddit_id }) => reddit_id)).toEqual(["c", "d"]);
    expect(read.moreIds).toEqual(["e", "f", "g"]);
    expect(read.skipped.map(({ id }) => id).toSorted()).toEqual(["#0", "#1/children", "#2/children"]);
  });

  it.each([[{ kind: "Listing", data: { children: null } }], [7], [{}]])(
    "in the place of replies is told: %j",
    (replies) => {
      const read = parseTree([listing(), listing(reply({ replies }), reply({ name: "t1_d", id: "d" }))]);
      expect(read.comments).toHaveLength(2);
      expect(read.skipped).toMatchObject([{ id: "t1_c/replies" }]);
    },
  );

  it.each(["", null, undefined])("is not an answer of no replies: %j", (replies) => {
    expect(parseTree([listing(), listing(reply({ replies }))]).skipped).toEqual([]);
  });

  it("of a subreddit's media in comments does not hide its neighbours", () => {
    const data = { ...SUBREDDIT, allowed_media_in_comments: ["giphy", null, 7] };
    const { value, skipped } = readParts("about", () => parseAbout({ kind: "t5", data }));
    expect(value.allowed_media_in_comments).toEqual(["giphy"]);
    expect(skipped).toMatchObject([{ id: "about/allowed_media_in_comments" }]);
  });

  const postOf = (fields: Body) => parsePosts(listing({ kind: "t3", data: { ...POST, ...fields } }));
  const picture = (u: string) => ({ status: "valid", s: { u, x: 1, y: 0 } });

  it("of a gallery or a poll does not hide its neighbours, and is told", () => {
    const { posts, skipped } = postOf({
      gallery_data: { items: [null, { id: 1 }, { media_id: "a" }, { media_id: "b" }, { media_id: "c" }] },
      media_metadata: { a: picture("a.jpg"), b: null, c: { status: "unprocessed" } },
      poll_data: { options: [null, { text: "yes" }, { text: 7 }], total_vote_count: 5 },
      crosspost_parent_list: [null, { subreddit: "b" }],
    });
    expect(posts[0]!.media).toMatchObject([{ url: "a.jpg", width: 1, height: null }]);
    expect(posts[0]!.poll).toMatchObject({ options: [{ text: "yes", vote_count: null }] });
    expect(skipped.map(({ id }) => id).toSorted()).toEqual([
      "t3_p/crosspost_parent_list",
      "t3_p/gallery_data",
      "t3_p/poll options",
    ]);
    expect(postOf({ crosspost_parent_list: [null, { subreddit: "b" }] }).origins).toEqual(["b"]);
  });

  it.each([
    { gallery_data: "?" },
    { gallery_data: { items: "?" } },
    { gallery_data: { items: [null] } },
    { gallery_data: { items: [{ media_id: "a" }] } },
    { gallery_data: { items: [{ media_id: "a" }] }, media_metadata: "?" },
    { gallery_data: { items: [{ media_id: "a" }] }, media_metadata: { a: "?" } },
    { gallery_data: { items: [{ media_id: "a" }] }, media_metadata: { a: { s: "?" } } },
    { media: "?" },
    { media: { reddit_video: { height: 7 } } },
    { secure_media: { reddit_video: "?" } },
    { post_hint: "image", preview: "?" },
    { post_hint: "image", preview: { images: [null] } },
  ])("alone says nothing of a post's media: %j", (fields) => {
    expect(postOf(fields).posts[0]!.media).toBeUndefined();
  });

  it.each([
    {},
    { gallery_data: null, media_metadata: null },
    { gallery_data: { items: [] } },
    { media: null, secure_media: null, preview: null },
    { media: { type: "youtube.com", oembed: {} }, preview: { enabled: false } },
  ])("is not a post without media: %j", (fields) => {
    const { posts, skipped } = postOf(fields);
    expect([posts[0]!.media, skipped]).toEqual([[], []]);
  });

  it.each(["?", { options: "?" }, { options: [null] }])(
    "in the place of a poll says nothing of it: %j",
    (poll_data) => {
      expect(readPost({ ...POST, poll_data })).not.toHaveProperty("poll");
    },
  );

  describe("of a subreddit's rules", () => {
    const request = rulesRequest({ subreddit: "node", evidence: null });
    const rule = (short_name: string) => ({ short_name, kind: "all", priority: 0, description: "" });

    it("does not hide its neighbours, but then nobody knows that none asks for verification", async () => {
      const { items } = await handle(request, { rules: [null, rule("Be kind"), { kind: "all" }] });
      const [subreddit] = items.reddit_subreddits!;
      expect(subreddit!["rules_data"]).toMatchObject([{ short_name: "Be kind" }]);
      expect(subreddit).not.toHaveProperty("verification_required");
      expect(items.failed_requests).toMatchObject([
        { request_id: "request1#rules/rules", outcome: "malformed" },
      ]);
    });

    it("changes nothing about one that does", async () => {
      const { items } = await handle(request, { rules: [null, rule("Verification required")] });
      expect(items.reddit_subreddits).toMatchObject([
        { verification_required: true, verification_evidence: "Verification required" },
      ]);
    });

    it.each([[[null]], ["?"], [null], [undefined]])("alone is no list of rules: %j", async (rules) => {
      await expect(handle(request, { rules })).rejects.toThrow("rules: expected a list");
    });
  });

  it("of a user's profile says nothing of it, and is told", async () => {
    const data = { ...USER, subreddit: "?" };
    const { items } = await handle(userRequest({ username: "amy", plan: plan(), isPoster: false }), {
      kind: "t2",
      data,
    });
    expect(stored(items.reddit_users![0]!)).not.toHaveProperty("bio");
    expect(items.failed_requests).toMatchObject([{ request_id: "request1#about/subreddit" }]);
  });
});
