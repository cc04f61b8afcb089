import { z } from "zod";
import { count, flag, fromTold, lenient, text, time, toIso } from "../../shared/parse/fields.ts";
import { listOf, partOf } from "../../shared/parse/parts.ts";
import { author, edited, whole } from "./fields.ts";
import { parseListing } from "./parse-listing.ts";
import { readShape, type SkippedChild } from "../../shared/parse/shape.ts";
import { roundTo } from "../../shared/parse/numbers.ts";
import { hasImageUrl, MediaFields, readMedia } from "./media.ts";

const Poll = z.object({
  /** The votes for each are told when the poll is over. */
  options: listOf(
    "poll options",
    z.object({ text: z.string(), vote_count: count.transform((votes) => votes ?? null) }),
  ),
  total_vote_count: count,
  /** The one date of Reddit in milliseconds. */
  voting_end_timestamp: lenient(z.number().min(0).max(1e14)),
});

const Data = z.object({
  id: z.string().min(1),
  name: z.string().startsWith("t3_"),
  subreddit: z.string().min(1),
  title: text,
  selftext: text,
  domain: text,
  author,
  created_utc: time,
  score: whole,
  num_comments: whole,
  upvote_ratio: count,
  over_18: flag,
  spoiler: flag,
  stickied: flag,
  locked: flag,
  is_self: flag,
  is_video: flag,
  archived: flag,
  edited,
  link_flair_text: text,
  author_flair_text: text,
  thumbnail: text,
  distinguished: text,
  gilded: whole,
  total_awards_received: whole,
  permalink: text,
  author_fullname: text,
  crosspost_parent: text,
  crosspost_parent_list: listOf("crosspost_parent_list", z.object({ subreddit: text })),
  poll_data: partOf("poll_data", Poll),
  removed_by_category: text,
  link_flair_template_id: text,
  link_flair_background_color: text,
  link_flair_text_color: text,
  subreddit_subscribers: whole,
  num_crossposts: whole,
  is_original_content: flag,
  is_gallery: flag,
  ...MediaFields.shape,
});
type Data = z.infer<typeof Data>;

/** An item of `reddit_posts`. Field names are Reddit's where Reddit has one. */
export type Post = ReturnType<typeof toPost>;

/** A post, and the subreddit that it comes from if it is a crosspost. */
export interface ReadPost {
  post: Post;
  origin: string | null;
}

/**
 * Reads one page of posts: `GET /r/{subreddit}/{sort}`, `/search`, ….
 * @throws {UnexpectedShapeError} when it is no such page, or no child of a page that has some can be read
 * @see https://www.reddit.com/dev/api/#GET_hot
 */
export function parsePosts(body: unknown): {
  posts: Post[];
  origins: string[];
  skipped: SkippedChild[];
  after: string | null;
} {
  const { items, ...page } = parseListing(body, { t3: readPost });
  return { ...splitPosts(items.t3), ...page };
}

/** @throws {UnexpectedShapeError} when the data of a t3 lacks what makes it a post */
export function readPost(data: unknown): ReadPost {
  const post = readShape(Data, data, "a post");
  return { post: toPost(post), origin: post.crosspost_parent_list?.[0]?.subreddit ?? null };
}

export function splitPosts(read: readonly ReadPost[]): { posts: Post[]; origins: string[] } {
  return { posts: read.map(({ post }) => post), origins: read.flatMap(({ origin }) => origin ?? []) };
}

function toPost(post: Data) {
  const createdAt = fromTold(post.created_utc, (date) => new Date(date));
  return {
    reddit_id: post.id,
    title: post.title,
    selftext: post.selftext,
    url: post.url,
    domain: post.domain,
    author_username: post.author,
    author_fullname: post.author_fullname,
    subreddit_name: post.subreddit,
    created_utc: post.created_utc,
    score: post.score,
    num_comments: post.num_comments,
    upvote_ratio: post.upvote_ratio,
    over_18: post.over_18,
    spoiler: post.spoiler,
    stickied: post.stickied,
    locked: post.locked,
    is_self: post.is_self,
    is_video: post.is_video,
    is_original_content: post.is_original_content,
    archived: post.archived,
    edited_at: post.edited,
    content_type: toContentType(post),
    link_flair_text: post.link_flair_text,
    link_flair_template_id: post.link_flair_template_id,
    link_flair_colors: toColors(post),
    author_flair_text: post.author_flair_text,
    thumbnail: post.thumbnail,
    distinguished: post.distinguished,
    removed_by_category: post.removed_by_category,
    gilded: post.gilded,
    total_awards_received: post.total_awards_received,
    permalink: post.permalink,
    is_crosspost: post.crosspost_parent != null,
    crosspost_parent: post.crosspost_parent,
    num_crossposts: post.num_crossposts,
    subreddit_subscribers: post.subreddit_subscribers,
    media: readMedia(post),
    poll: toPoll(post.poll_data),
    post_length: fromTold(post.selftext, (words) => words.length),
    /** 0 = Monday. */
    posting_day_of_week: fromTold(createdAt, (date) => (date.getUTCDay() + 6) % 7),
    posting_hour: fromTold(createdAt, (date) => date.getUTCHours()),
    comment_to_upvote_ratio: toRatio(post.num_comments, post.score),
  };
}

function toContentType(post: Data): "gallery" | "video" | "text" | "image" | "link" {
  if (post.is_gallery || post.gallery_data) return "gallery";
  if (post.is_video || post.post_hint === "hosted:video") return "video";
  if (post.is_self) return "text";
  return post.post_hint === "image" || hasImageUrl(post) ? "image" : "link";
}

/** Posts without a flair carry the colours of none. */
function toColors(post: Data) {
  const { link_flair_text, link_flair_background_color: background, link_flair_text_color: color } = post;
  if (link_flair_text == null) return link_flair_text;
  return background === undefined && color === undefined ? undefined : { background, text: color };
}

function toPoll(poll: Data["poll_data"]) {
  // Without its options it is no poll.
  if (!poll || poll.options === undefined) return poll && undefined;
  const { voting_end_timestamp: endMs, ...fields } = poll;
  return { ...fields, voting_ends_at: endMs == null ? null : toIso(endMs / 1000) };
}

function toRatio(comments: number | null | undefined, score: number | null | undefined) {
  return fromTold(comments, (some) => fromTold(score, (votes) => roundTo(some / Math.max(votes, 1), 4)));
}
