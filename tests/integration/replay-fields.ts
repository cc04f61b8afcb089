import type { RawThing } from "../actors/reddit/recordings.ts";

/** Column → what it must be, from the site's data of the thing; `undefined`: the column must be missing. */
type Rules = Record<string, (raw: RawThing) => unknown>;

const iso = (secs: unknown) => new Date(Number(secs) * 1000).toISOString();
const words = (text: string) => text.trim().split(/\s+/);
/** Columns that carry the site's own value under the site's own name. */
const same = (names: string): Rules =>
  Object.fromEntries(words(names).map((name) => [name, (raw) => raw[name]]));
const created: Rules = { created_utc: (raw) => iso(raw.created_utc) };
const writer: Rules = {
  author_username: ({ author }) => (author === "[deleted]" ? null : author),
  author_fullname: (raw) => raw["author_fullname"],
  edited_at: ({ edited }) => (edited === true ? undefined : edited === false ? null : iso(edited)),
};
const available: Rules = { availability: () => "ok", availability_reason: () => null };

const POST: Rules = {
  ...created,
  ...writer,
  ...same(`title selftext url domain score num_comments upvote_ratio over_18 spoiler stickied locked is_self is_video
    archived link_flair_text author_flair_text thumbnail distinguished gilded total_awards_received permalink
    crosspost_parent removed_by_category link_flair_template_id subreddit_subscribers num_crossposts
    is_original_content`),
  reddit_id: ({ name }) => name.slice(3),
  subreddit_name: (raw) => raw["subreddit"],
  post_length: ({ selftext }) => String(selftext).length,
  posting_day_of_week: (raw) => (new Date(raw.created_utc * 1000).getUTCDay() + 6) % 7,
  posting_hour: (raw) => new Date(raw.created_utc * 1000).getUTCHours(),
};

const SUBREDDIT: Rules = {
  ...created,
  ...available,
  ...same(`display_name_prefixed title description public_description subscribers over18 subreddit_type url lang
    submission_type submit_text submit_text_html allow_images allow_videos allow_polls spoilers_enabled wiki_enabled
    link_flair_enabled link_flair_position user_flair_enabled_in_sr user_flair_position icon_img banner_img
    community_icon header_img mobile_banner_image banner_background_color primary_color key_color
    advertiser_category allowed_media_in_comments restrict_posting accept_followers`),
  name: (raw) => raw["display_name"],
  reddit_id: ({ name }) => name.slice(3),
  is_quarantined: (raw) => raw["quarantine"],
};

const USER: Rules = {
  ...created,
  ...available,
  ...same(`comment_karma link_karma awardee_karma awarder_karma is_employee is_mod is_gold verified
    has_verified_email is_suspended accept_followers`),
  username: (raw) => raw.name,
  reddit_id: (raw) => raw["id"],
  total_karma: (raw) => raw["total_karma"] ?? Number(raw["comment_karma"]) + Number(raw["link_karma"]),
};

const COMMENT: Rules = {
  ...created,
  ...writer,
  ...same(`link_id parent_id author_flair_text body score score_hidden controversiality depth is_submitter stickied
    locked archived distinguished gilded total_awards_received permalink`),
  reddit_id: ({ name }) => name.slice(3),
  subreddit_name: (raw) => raw["subreddit"],
};

export const RULES = { POST, SUBREDDIT, USER, COMMENT };

/** The columns in which `item` differs from what the site's data of it says, with both values; `[]` when it is right. */
export function differences(item: Record<string, unknown>, raw: RawThing, rules: Rules): string[] {
  return Object.entries(rules).flatMap(([column, rule]) => {
    const [got, wanted] = [item[column], rule(raw)].map((value) => JSON.stringify(value));
    return got === wanted ? [] : [`${column}: ${got}, recorded ${wanted}`];
  });
}
