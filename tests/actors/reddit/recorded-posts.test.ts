import { expect, it } from "vitest";
import { parsePosts } from "../../../actors/reddit/parse-post.ts";
import { describeRecorded, recordings, thingsOf, type RawThing } from "./recordings.ts";

/** Columns that carry the site's own value under the site's own name. */
const SAME = [
  "title selftext url domain author_fullname score num_comments upvote_ratio over_18 spoiler stickied locked",
  "is_self is_video is_original_content archived link_flair_text link_flair_template_id author_flair_text",
  "thumbnail distinguished removed_by_category gilded total_awards_received permalink crosspost_parent",
  "num_crossposts subreddit_subscribers",
].flatMap((line) => line.split(" "));

const LISTINGS = recordings(
  "listing_controversial",
  "listing_hot",
  "listing_new",
  "listing_rising",
  "listing_top",
  "search_posts",
  "user_submitted",
);

interface RawPost extends RawThing {
  author: string;
  edited: boolean | number;
  selftext: string;
  num_comments: number;
  score: number;
  url: string;
}

const iso = (secs: number) => new Date(secs * 1000).toJSON();

/** Written from the column definitions alone. */
function expectedPost(raw: RawPost): Record<string, unknown> {
  const created = new Date(raw.created_utc * 1000);
  const expected: Record<string, unknown> = {
    reddit_id: raw.name.replace("t3_", ""),
    subreddit_name: raw["subreddit"],
    author_username: raw.author === "[deleted]" ? null : raw.author,
    created_utc: iso(raw.created_utc),

    post_length: raw.selftext.length,
    posting_day_of_week: [6, 0, 1, 2, 3, 4, 5][created.getUTCDay()],
    posting_hour: Number(created.toJSON().slice(11, 13)),
    is_crosspost: "crosspost_parent" in raw,
    comment_to_upvote_ratio: Number((raw.num_comments / Math.max(raw.score, 1)).toFixed(4)),
    content_type: expectedType(raw),
  };
  // Edits before 2013 say only `true`: when, nobody knows.
  if (raw.edited !== true) expected["edited_at"] = raw.edited === false ? null : iso(Number(raw.edited));
  for (const name of SAME) if (name in raw) expected[name] = raw[name];
  return expected;
}

function expectedType(raw: RawPost): string {
  if (raw["is_gallery"]) return "gallery";
  if (raw["is_video"]) return "video";
  if (raw["is_self"]) return "text";
  const file = new URL(raw.url).pathname.toLowerCase();
  const isImage = [".jpg", ".jpeg", ".png", ".gif", ".webp"].some((ending) => file.endsWith(ending));
  return isImage || raw["post_hint"] === "image" ? "image" : "link";
}

describeRecorded("post listings", () => {
  it.each(LISTINGS)("$name: every post, every field", ({ body }) => {
    const { posts, skipped, after } = parsePosts(body);
    const raw = thingsOf<RawPost>(body, "t3");
    expect(skipped).toEqual([]);
    expect(posts).toHaveLength(raw.length);
    expect(after).toBe((body as { data: { after: unknown } }).data.after);
    for (const [index, post] of posts.entries()) {
      const { media, poll, link_flair_colors: colors, ...plain } = JSON.parse(JSON.stringify(post));
      expect(plain).toEqual(expectedPost(raw[index]!));
      expect(poll).toBeUndefined();
      const { link_flair_text: flair, link_flair_background_color: background } = raw[index]!;
      expect(colors?.background).toBe(flair === null ? undefined : background);
      expect(media.length > 0).toBe(plain.content_type === "image");
    }
  });

  it.skipIf(LISTINGS.length === 0)("an image has its original's address and size", () => {
    const { posts } = parsePosts(LISTINGS.find(({ name }) => name.includes("listing_new/024"))!.body);
    expect(posts.flatMap((post) => post.media)).toContainEqual({
      type: "image",
      url: "https://i.redd.it/f0ad74cplzb61.jpg",
      width: 3869,
      height: 2902,
      duration_secs: null,
    });
  });
});
