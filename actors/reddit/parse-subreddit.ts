import { z } from "zod";
import { flag, text, time } from "../../shared/parse/fields.ts";
import { listOf } from "../../shared/parse/parts.ts";
import { parseListing } from "./parse-listing.ts";
import { whole } from "./fields.ts";
import { readShape, type SkippedChild } from "../../shared/parse/shape.ts";

const Data = z.object({
  id: z.string().min(1),
  name: z.string().startsWith("t5_"),
  display_name: z.string().min(1),
  display_name_prefixed: text,
  title: text,
  description: text,
  public_description: text,
  subscribers: whole,
  created_utc: time,
  over18: flag,
  subreddit_type: text,
  url: text,
  lang: text,
  submission_type: text,
  submit_text: text,
  submit_text_html: text,
  allow_images: flag,
  allow_videos: flag,
  allow_polls: flag,
  spoilers_enabled: flag,
  wiki_enabled: flag,
  quarantine: flag,
  link_flair_enabled: flag,
  link_flair_position: text,
  user_flair_enabled_in_sr: flag,
  user_flair_position: text,
  icon_img: text,
  banner_img: text,
  community_icon: text,
  header_img: text,
  mobile_banner_image: text,
  banner_background_color: text,
  primary_color: text,
  key_color: text,
  advertiser_category: text,
  allowed_media_in_comments: listOf("allowed_media_in_comments", z.string()),
  restrict_posting: flag,
  accept_followers: flag,
});

const About = z.object({ kind: z.literal("t5"), data: z.unknown() });

/** An item of `reddit_subreddits` with what the site says about the subreddit itself. */
export type Subreddit = ReturnType<typeof toSubreddit>;

/**
 * Reads `GET /r/{subreddit}/about`.
 * @throws {UnexpectedShapeError} when the body is not a subreddit
 * @see https://www.reddit.com/dev/api/#GET_r_{subreddit}_about
 */
export function parseAbout(body: unknown): Subreddit {
  return toSubreddit(readShape(About, body, "a subreddit").data);
}

/**
 * Reads a page of subreddits: `GET /api/info?sr_name=…`, `/subreddits/new`, `/subreddits/search`, ….
 * @throws {UnexpectedShapeError} when it is no such page, or no child of a page that has some can be read
 * @see https://www.reddit.com/dev/api/#GET_api_info
 */
export function parseSubreddits(body: unknown): {
  subreddits: Subreddit[];
  skipped: SkippedChild[];
  after: string | null;
} {
  const { items, ...page } = parseListing(body, { t5: toSubreddit });
  return { subreddits: items.t5, ...page };
}

function toSubreddit(data: unknown) {
  const { id, name: _fullname, display_name, quarantine, ...fields } = readShape(Data, data, "a subreddit");
  return {
    name: display_name,
    reddit_id: id,
    ...fields,
    is_quarantined: quarantine,
    availability: "ok" as const,
    availability_reason: null,
  };
}
