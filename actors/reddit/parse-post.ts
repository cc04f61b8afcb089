import { z } from "zod";
import { author, count, flag, lenient, Seconds, text, time, toIso } from "./fields.ts";
import { parseListing, readShape, type SkippedChild } from "./parse-listing.ts";
import { hasImageUrl, MediaFields, readMedia } from "./media.ts";

const Poll = z.object({
  options: z.array(z.object({ id: z.string(), text: z.string(), vote_count: count })),
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
  score: count,
  num_comments: count,
  upvote_ratio: count,
  over_18: flag,
  spoiler: flag,
  stickied: flag,
  locked: flag,
  is_self: flag,
  is_video: flag,
  archived: flag,
  edited: z
    .union([z.literal(false), Seconds])
    .optional()
    .catch(undefined),
  link_flair_text: text,
  author_flair_text: text,
  thumbnail: text,
  distinguished: text,
  gilded: count,
  total_awards_received: count,
  permalink: text,
  author_fullname: text,
  crosspost_parent: text,
  crosspost_parent_list: lenient(z.array(z.unknown())),
  poll_data: lenient(Poll),
  removed_by_category: text,
  link_flair_template_id: text,
  link_flair_background_color: text,
  link_flair_text_color: text,
  subreddit_subscribers: count,
  num_crossposts: count,
  is_original_content: flag,
  is_gallery: flag,
  ...MediaFields.shape,
});
type Data = z.infer<typeof Data>;

/** An item of `reddit_posts`. Field names are Reddit's where Reddit has one. */
export type Post = ReturnType<typeof toPost>;

/**
 * Reads one page of posts: `GET /r/{subreddit}/{sort}`, `/search`, ….
 * @throws {UnexpectedShapeError} when it is no such page, or no child of a page that has some can be read
 * @see https://www.reddit.com/dev/api/#GET_hot
 */
export function parsePosts(body: unknown): { posts: Post[]; skipped: SkippedChild[]; after: string | null } {
  const { items, ...page } = parseListing(body, { t3: toPost });
  return { posts: items.t3, ...page };
}

/** @throws {UnexpectedShapeError} when the data of a t3 lacks what makes it a post */
export function toPost(data: unknown) {
  const post = readShape(Data, data, "a post");
  const createdAt = post.created_utc ? new Date(post.created_utc) : undefined;
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
    edited_at: toEditedAt(post.edited),
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
    is_crosspost: post.crosspost_parent != null || post.crosspost_parent_list != null,
    crosspost_parent: post.crosspost_parent,
    num_crossposts: post.num_crossposts,
    subreddit_subscribers: post.subreddit_subscribers,
    media: readMedia(post),
    poll: toPoll(post.poll_data),
    post_length: post.selftext?.length,
    /** 0 = Monday. */
    posting_day_of_week: createdAt && (createdAt.getUTCDay() + 6) % 7,
    posting_hour: createdAt?.getUTCHours(),
    comment_to_upvote_ratio: toRatio(post.num_comments, post.score),
  };
}

/** Very old edits say only `true`: edited, but nobody knows when. */
function toEditedAt(edited: Data["edited"]): string | null | undefined {
  return edited === false ? null : edited === undefined ? undefined : toIso(edited);
}

function toContentType(post: Data): "gallery" | "video" | "text" | "image" | "link" {
  if (post.is_gallery || post.gallery_data) return "gallery";
  if (post.is_video || post.post_hint === "hosted:video") return "video";
  if (post.is_self) return "text";
  return post.post_hint === "image" || hasImageUrl(post) ? "image" : "link";
}

function toColors({ link_flair_background_color: background, link_flair_text_color: color }: Data) {
  return background === undefined && color === undefined ? undefined : { background, text: color };
}

function toPoll(poll: Data["poll_data"]) {
  if (!poll) return poll;
  const { voting_end_timestamp: endMs, ...fields } = poll;
  return { ...fields, voting_ends_at: endMs == null ? endMs : toIso(endMs / 1000) };
}

function toRatio(comments: number | null | undefined, score: number | null | undefined): number | undefined {
  if (comments == null || score == null) return undefined;
  return Math.round((comments / Math.max(score, 1)) * 10_000) / 10_000;
}
