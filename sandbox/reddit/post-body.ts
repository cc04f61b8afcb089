import { asciiJson } from "../ascii-json.ts";
import type { Medium } from "./post-content.ts";
import type { Post } from "./posts.ts";
import { subscribersAt } from "./subreddits.ts";
import { divOf } from "./texts.ts";
import type { World } from "./world.ts";

/** The keys that a reader without an account always sees with the same value. */
const FIXED = JSON.stringify({
  approved_at_utc: null,
  user_reports: [],
  saved: false,
  mod_reason_title: null,
  clicked: false,
  hidden: false,
  downs: 0,
  top_awarded_type: null,
  hide_score: false,
  quarantine: false,
  media_embed: {},
  secure_media_embed: {},
  is_meta: false,
  category: null,
  can_mod_post: false,
  approved_by: null,
  is_created_from_ads_ui: false,
  author_premium: false,
  gildings: {},
  content_categories: null,
  mod_note: null,
  banned_by: null,
  allow_live_comments: false,
  likes: null,
  suggested_sort: null,
  banned_at_utc: null,
  view_count: null,
  no_follow: false,
  pinned: false,
  all_awardings: [],
  awarders: [],
  media_only: false,
  can_gild: false,
  treatment_tags: [],
  visited: false,
  removed_by: null,
  author_is_blocked: false,
  mod_reason_by: null,
  num_reports: null,
  removal_reason: null,
  report_reasons: null,
  discussion_type: null,
  send_replies: true,
  contest_mode: false,
  mod_reports: [],
  author_patreon_flair: false,
  author_flair_css_class: null,
  author_flair_template_id: null,
}).slice(1, -1);

/**
 * A `t3` thing as `GET /r/{subreddit}/{sort}` answers it with `raw_json=1`, as JSON text. Written by hand where
 * values need no escaping: a page has a hundred of them.
 */
export function postThing(world: World, post: Post): string {
  return `{"kind":"t3","data":${postData(world, post)}}`;
}

function postData(world: World, post: Post): string {
  const { place, parent } = post;
  const isProfile = place.owner !== null;
  const name = isProfile ? place.name.slice(2) : place.name;
  const thumbnailSize = post.thumbnail.startsWith("http") ? 140 : null;
  const adsLevel = post.over18 ? `null,"whitelist_status":null` : `6,"whitelist_status":"all_ads"`;
  return `{${FIXED},
"subreddit":"${place.name}","subreddit_id":"t5_${place.id}","subreddit_type":"${isProfile ? "user" : "public"}",
"subreddit_name_prefixed":"${isProfile ? "u" : "r"}/${name}","subreddit_subscribers":${subscribersAt(world, place, post.at) ?? 0},
"id":"${post.id}","name":"t3_${post.id}","permalink":"${post.permalink}","url":"${post.url}","domain":"${post.domain}",
"created":${post.createdUtc}.0,"created_utc":${post.createdUtc}.0,"edited":${post.edited},
${authorKeys(post)}
"score":${post.score},"ups":${post.score},"upvote_ratio":${post.upvoteRatio},
"num_comments":${post.numComments},"num_crossposts":${post.numCrossposts},
"gilded":${post.awards > 1 ? 1 : 0},"total_awards_received":${post.awards},
"over_18":${post.over18},"spoiler":${post.spoiler},"stickied":${post.stickied},"locked":${post.locked},
"archived":${post.archived},"is_original_content":${post.isOriginalContent},
"is_robot_indexable":${post.removedBy === null},"is_crosspostable":${post.removedBy === null},
"distinguished":${quoted(post.distinguished)},"removed_by_category":${quoted(post.removedBy)},
"pwls":6,"parent_whitelist_status":"all_ads","wls":${adsLevel},
"thumbnail":"${post.thumbnail}","thumbnail_width":${thumbnailSize},"thumbnail_height":${thumbnailSize},
${asciiJson({ ...texts(post), ...media(post) }).slice(1, -1)}
${parent ? `,"crosspost_parent":"t3_${parent.id}","crosspost_parent_list":[${parent.post ? postData(world, parent.post) : ""}]` : ""}}`;
}

/** A deleted account leaves only its name's place behind. */
function authorKeys({ author, authorFlair }: Post): string {
  const { textColor = null, backgroundColor = null } = authorFlair ?? {};
  const always = `"author_flair_text_color":${quoted(textColor)},"author_flair_background_color":${quoted(backgroundColor)},`;
  if (!author) return `"author":"[deleted]",${always}`;
  const type = authorFlair?.richtext.length ? "richtext" : "text";
  return `"author":"${author.name}","author_fullname":"t2_${author.id}","author_flair_type":"${type}",
"author_flair_richtext":${asciiJson(authorFlair?.richtext ?? [])},${always}`;
}

/** What needs escaping, and keys that not every post has. */
function texts(post: Post): Record<string, unknown> {
  const { flair, authorFlair, form } = post;
  const isSelf = form === "text" || form === "poll";
  return {
    title: post.title,
    selftext: post.selftext,
    selftext_html: post.selftext ? `<!-- SC_OFF -->${divOf(post.selftext)}<!-- SC_ON -->` : null,
    is_self: isSelf,
    is_video: form === "video",
    is_reddit_media_domain: /^[iv]\.redd\.it$/.test(post.domain),
    ...(!isSelf && { url_overridden_by_dest: post.url }),
    author_flair_text: authorFlair?.text ?? null,
    // Chosen flair only; the key is missing otherwise.
    ...(flair?.templateId && { link_flair_template_id: flair.templateId }),
    link_flair_text: flair?.text ?? null,
    link_flair_text_color: flair?.textColor ?? "dark",
    link_flair_background_color: flair?.backgroundColor ?? "",
    link_flair_css_class: flair ? "" : null,
    link_flair_richtext: flair?.richtext ?? [],
    link_flair_type: flair?.richtext.length ? "richtext" : "text",
  };
}

function quoted(text: string | null): string {
  return text === null ? "null" : `"${text}"`;
}

function media(post: Post): Record<string, unknown> {
  const [first] = post.media;
  const video = post.form === "video" ? { reddit_video: redditVideo(first!) } : null;
  return {
    media: video,
    secure_media: video,
    ...(post.hasHint &&
      first &&
      post.form !== "gallery" && {
        post_hint: post.form === "video" ? "hosted:video" : "image",
        preview: preview(first),
      }),
    ...(post.hasHint &&
      post.form === "link" && { post_hint: post.domain === "youtube.com" ? "rich:video" : "link" }),
    ...(post.form === "gallery" && gallery(post)),
    ...(post.poll && { poll_data: pollData(post) }),
  };
}

function gallery(post: Post): Record<string, unknown> {
  const items = post.media.map((medium, i) => ({
    ...(i % 3 === 1 && { caption: "Before & after" }),
    media_id: medium.id,
    id: 767_509_573 + i,
  }));
  // Removed galleries lose their media, not their flag.
  if (post.removedBy) return { is_gallery: true, gallery_data: null, media_metadata: null };
  return {
    is_gallery: true,
    gallery_data: { items },
    media_metadata: Object.fromEntries(post.media.map((medium) => [medium.id, mediumMetadata(medium)])),
  };
}

function mediumMetadata(medium: Medium): Record<string, unknown> {
  if (medium.failed) return { status: medium.width % 2 ? "failed" : "unprocessed" };
  const { id, width: x, height: y, url } = medium;
  const p = [
    {
      y: Math.round((108 / x) * y),
      x: 108,
      u: `https://preview.redd.it/${id}.jpg?width=108&crop=smart&auto=webp`,
    },
  ];
  return medium.type === "gif"
    ? {
        status: "valid",
        e: "AnimatedImage",
        m: "image/gif",
        p,
        s: { y, x, gif: url, mp4: `https://preview.redd.it/${id}.gif?format=mp4&s=1` },
        id,
      }
    : { status: "valid", e: "Image", m: "image/jpg", p, s: { y, x, u: url }, id };
}

function preview(medium: Medium): Record<string, unknown> {
  const { id, width, height } = medium;
  const url = `https://preview.redd.it/${id}.jpg?auto=webp&s=${id}`;
  const resolutions = [
    { url: `${url}&width=108&crop=smart`, width: 108, height: Math.round((108 / width) * height) },
  ];
  return {
    images: [{ source: { url, width, height }, resolutions, variants: {}, id }],
    enabled: medium.type !== "video",
  };
}

function redditVideo(medium: Medium): Record<string, unknown> {
  const base = `https://v.redd.it/${medium.id}`;
  return {
    bitrate_kbps: 2400,
    fallback_url: medium.url,
    has_audio: true,
    height: medium.height,
    width: medium.width,
    scrubber_media_url: `${base}/DASH_96.mp4`,
    dash_url: `${base}/DASHPlaylist.mpd?a=1&v=1&f=sd`,
    duration: medium.durationSecs,
    hls_url: `${base}/HLSPlaylist.m3u8?a=1&v=1&f=sd`,
    is_gif: false,
    transcoding_status: "completed",
  };
}

/** Votes show only once the poll is over. */
function pollData({ poll, at }: Post): Record<string, unknown> {
  const isOver = poll!.endsAtUtc <= at;
  return {
    prediction_status: null,
    total_stake_amount: null,
    voting_end_timestamp: poll!.endsAtUtc * 1000,
    options: poll!.options.map(({ id, text, votes }) => ({ id, text, ...(isOver && { vote_count: votes }) })),
    vote_updates_remained: null,
    is_prediction: false,
    resolved_option_id: null,
    user_won_amount: null,
    user_selection: null,
    total_vote_count: poll!.options.reduce((sum, option) => sum + option.votes, 0),
    tournament_id: null,
  };
}
