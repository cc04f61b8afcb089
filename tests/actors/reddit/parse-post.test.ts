import { describe, expect, it } from "vitest";
import { parsePosts, type Post } from "../../../actors/reddit/parse-post.ts";
import page from "./fixtures/listing-kinds.json" with { type: "json" };

const { posts } = parsePosts(page);
const post = (id: string): Post => posts.find(({ reddit_id }) => reddit_id === id)!;

describe("content_type", () => {
  it.each([
    ["p1", "gallery"],
    ["p2", "gallery"],
    ["p3", "video"],
    ["p4", "text"],
    ["p5", "link"],
    ["p6", "text"],
    ["p7", "image"],
    ["p8", "link"],
  ])("%s is %s", (id, type) => {
    expect(post(id).content_type).toBe(type);
  });
});

describe("media", () => {
  it("has the gallery's pictures in its order, without those that failed", () => {
    expect(post("p1").media).toEqual([
      { type: "gif", url: "https://i.redd.it/m2.gif", width: 100, height: 50, duration_secs: null },
      {
        type: "image",
        url: "https://preview.redd.it/m1.jpg?s=1",
        width: 640,
        height: 480,
        duration_secs: null,
      },
    ]);
  });

  it("has Reddit's own video", () => {
    const url = "https://v.redd.it/abc/DASH_720.mp4?source=fallback";
    expect(post("p3").media).toEqual([{ type: "video", url, width: 1280, height: 720, duration_secs: 31 }]);
  });

  it("has the picture's original with its size", () => {
    const url = "https://i.redd.it/p7.PNG?x=1";
    expect(post("p7").media).toEqual([{ type: "image", url, width: 800, height: 600, duration_secs: null }]);
  });

  it.each(["p2", "p4", "p5", "p8"])("is empty for %s", (id) => {
    expect(post(id).media).toEqual([]);
  });
});

it("a poll has its votes, unknown ones null, and its end", () => {
  expect(post("p4").poll).toEqual({
    options: [
      { text: "yes", vote_count: 5 },
      { text: "no", vote_count: null },
    ],
    total_vote_count: 8,
    voting_ends_at: "2026-01-05T03:04:05.123Z",
  });
});

it("a crosspost keeps its parent, even one that was deleted", () => {
  expect(post("p5")).toMatchObject({ is_crosspost: true, crosspost_parent: "t3_x1" });
  expect(post("p4").is_crosspost).toBe(false);
});

it("a deleted author is null", () => {
  expect(post("p6")).toMatchObject({ author_username: null, removed_by_category: "moderator" });
});

it("edited_at is null when never, a date, or left out when only the fact is known", () => {
  expect(post("p1").edited_at).toBeNull();
  expect(post("p4").edited_at).toBe("2026-01-02T04:04:05.000Z");
  expect(post("p8").edited_at).toBeUndefined();
});

it("flair and awards are as the site gives them", () => {
  expect(post("p7")).toMatchObject({
    link_flair_text: "Show",
    link_flair_template_id: "f1",
    link_flair_colors: { background: "#ff4500", text: "light" },
    gilded: 1,
    total_awards_received: 4,
    thumbnail: "nsfw",
  });
  expect(post("p8").link_flair_colors).toBeUndefined();
});

it("a post of Thursday 00:00 UTC is of day 3 and hour 0", () => {
  expect(post("p3")).toMatchObject({
    created_utc: "2026-01-01T00:00:00.000Z",
    posting_day_of_week: 3,
    posting_hour: 0,
  });
});

it("the ratio has four decimals and never divides by zero", () => {
  expect(post("p1").comment_to_upvote_ratio).toBe(0.4286);
  expect(post("p6").comment_to_upvote_ratio).toBe(9);
});

it("a missing value is left out, an odd one too, null stays null", () => {
  expect(post("p8")).toMatchObject({ score: undefined, selftext: null, upvote_ratio: 0.5 });
  expect(post("p8").num_comments).toBeUndefined();
  expect(post("p8").comment_to_upvote_ratio).toBeUndefined();
});

it.each([1.5, 2 ** 31, 1e21, "7", true])(
  "a score of %j is not known, and costs the post nothing else",
  (score) => {
    const data = { id: "a", name: "t3_a", subreddit: "node", title: "A", score, num_comments: -(2 ** 31) };
    const { posts: read } = parsePosts({ kind: "Listing", data: { children: [{ kind: "t3", data }] } });
    expect(read).toEqual([expect.objectContaining({ reddit_id: "a", title: "A", num_comments: -(2 ** 31) })]);
    expect(read[0]!.score).toBeUndefined();
  },
);
