import type { Medium } from "./post-content.ts";
import { isVisible } from "./post-numbers.ts";
import { type Post, postAt } from "./posts.ts";
import { subredditFacts, subscribersAt } from "./subreddits.ts";
import { type Place, type World, placeByName, postById } from "./world.ts";

// The items of a perfect crawl, from the world itself and not from what the site sends. They have the columns of
// the tables and timestamps in ISO 8601; `observed_at` and `source` are the crawl's own.

/** Columns of `reddit_subreddits` that are the site's own fields under its own names. */
const SUBREDDIT_COLUMNS = [
  "display_name_prefixed",
  "title",
  "description",
  "public_description",
  "subscribers",
  "over18",
  "subreddit_type",
  "url",
  "lang",
  "submission_type",
  "submit_text",
  "submit_text_html",
  "allow_images",
  "allow_videos",
  "allow_polls",
  "spoilers_enabled",
  "wiki_enabled",
  "link_flair_enabled",
  "link_flair_position",
  "user_flair_enabled_in_sr",
  "user_flair_position",
  "icon_img",
  "banner_img",
  "community_icon",
  "header_img",
  "mobile_banner_image",
  "banner_background_color",
  "primary_color",
  "key_color",
  "advertiser_category",
  "restrict_posting",
  "accept_followers",
] as const;

/** Availability and its reason, as the site states it. */
export function availability(place: Place | null): [availability: string, reason: string | null] {
  if (!place) return ["not_found", "not_found"];
  if (place.state === "ok") return ["ok", null];
  return [place.state === "gold_only" ? "private" : place.state, place.state];
}

/** An item of `reddit_subreddits` without rules and metrics; name and availability alone when it is closed. */
export function subredditItem(world: World, name: string, at: number) {
  const place = placeByName(world, name);
  const [state, reason] = availability(place);
  const head = { name: place?.name ?? name, availability: state, availability_reason: reason };
  if (!place || place.state !== "ok") return head;
  const facts = subredditFacts(world, place, at);
  return {
    ...head,
    ...Object.fromEntries(SUBREDDIT_COLUMNS.map((column) => [column, facts[column]])),
    reddit_id: place.id,
    created_utc: iso(place.createdUtc),
    is_quarantined: false,
    allowed_media_in_comments: facts.allowed_media_in_comments ?? null,
  };
}

/** An item of `reddit_posts`; `null` for what nobody can see. */
export function postItemById(world: World, id: string, at: number) {
  const found = postById(world, id);
  return found && isVisible(world, found, at)
    ? postItem(world, postAt(world, found.place, found.ordinal, at))
    : null;
}

function postItem(world: World, post: Post) {
  const { place, createdUtc, flair } = post;
  const created = new Date(createdUtc * 1000);
  return {
    reddit_id: post.id,
    title: post.title,
    selftext: post.selftext,
    url: post.url,
    domain: post.domain,
    permalink: post.permalink,
    author_username: post.author?.name ?? null,
    author_fullname: post.author ? `t2_${post.author.id}` : null,
    subreddit_name: place.name,
    subreddit_subscribers: subscribersAt(world, place, post.at) ?? 0,
    created_utc: created.toISOString(),
    score: post.score,
    num_comments: post.numComments,
    upvote_ratio: post.upvoteRatio,
    comment_to_upvote_ratio: Math.round((post.numComments / Math.max(post.score, 1)) * 10_000) / 10_000,
    over_18: post.over18,
    spoiler: post.spoiler,
    stickied: post.stickied,
    locked: post.locked,
    is_self: post.form === "text" || post.form === "poll",
    is_video: post.form === "video",
    archived: post.archived,
    edited_at: post.edited === false ? null : iso(post.edited),
    content_type: contentType(post),
    link_flair_text: flair?.text ?? null,
    link_flair_template_id: flair?.templateId ?? null,
    link_flair_colors: flair ? { text: flair.textColor, background: flair.backgroundColor } : null,
    author_flair_text: post.authorFlair?.text ?? null,
    thumbnail: post.thumbnail,
    distinguished: post.distinguished,
    gilded: post.awards > 1 ? 1 : 0,
    total_awards_received: post.awards,
    post_length: post.selftext.length,
    posting_day_of_week: (created.getUTCDay() + 6) % 7,
    posting_hour: created.getUTCHours(),
    is_crosspost: post.parent !== null,
    crosspost_parent: post.parent ? `t3_${post.parent.id}` : null,
    num_crossposts: post.numCrossposts,
    removed_by_category: post.removedBy,
    is_original_content: post.isOriginalContent,
    media: mediaItems(post),
    poll: pollItem(post),
  };
}

/** `gallery` > `video` > `text` > `image` > `link`, the first that applies. */
export function contentType({ form, domain }: Post): string {
  if (form === "poll") return "text";
  if (form === "crosspost") return domain === "i.redd.it" || domain === "i.imgur.com" ? "image" : "link";
  return form;
}

/** What failed to process is left out; an image has a size once Reddit has worked out its preview. */
function mediaItems(post: Post) {
  const { form, url, media, removedBy, hasHint } = post;
  const unsized = { width: null, height: null };
  if (form === "gallery" && removedBy) return [];
  if (form === "crosspost" && contentType(post) === "image") {
    return [{ type: url.endsWith(".gif") ? "gif" : "image", url, ...unsized, duration_secs: null }];
  }
  return media
    .filter((medium) => !medium.failed)
    .map(({ type, url: mediumUrl, width, height, durationSecs }: Medium) => ({
      type,
      url: mediumUrl,
      ...(form === "image" && !hasHint ? unsized : { width, height }),
      duration_secs: durationSecs,
    }));
}

/** Votes are null until the poll is over. */
function pollItem({ poll, at }: Post) {
  if (!poll) return null;
  const isOver = poll.endsAtUtc <= at;
  return {
    total_vote_count: poll.options.reduce((sum, option) => sum + option.votes, 0),
    voting_ends_at: iso(poll.endsAtUtc),
    options: poll.options.map(({ text, votes }) => ({ text, vote_count: isOver ? votes : null })),
  };
}

export function iso(secs: number): string {
  return new Date(secs * 1000).toISOString();
}
