import { clipsMetadata } from "./clips-body.ts";
import { type Tab, pinnedOrdinals, tellsPins } from "./feeds.ts";
import { type Frame, type Medium, hasHiddenFlag, sentLikes } from "./media.ts";
import { mediaUrl } from "./media-urls.ts";
import { creatorSummary, personBody } from "./people-body.ts";
import type { ToNumber } from "./wire-ids.ts";
import type { InstagramWorld } from "./world.ts";

/** How a medium is sent. */
export interface MediumView {
  tab: Tab;
  toNumber: ToNumber;
  at: number;
}

/**
 * A medium as the apps' API has it and the data API passes it on: `items[]` of a feed, `items[].media` of reels. A
 * feed knows no plays, but how often a medium was passed on; reels know both.
 */
export function mediumBody(world: InstagramWorld, medium: Medium, view: MediumView): Record<string, unknown> {
  const { creator, id, form, cover, children, takenAt, location } = medium;
  const { toNumber, tab } = view;
  const fullId = `${id}_${creator.id}`;
  return {
    ...MEDIUM_CONSTANTS,
    taken_at: takenAt,
    pk: toNumber(id),
    id: fullId,
    device_timestamp: takenAt * 1000,
    media_type: form === "photo" ? 1 : form === "carousel" ? 8 : 2,
    code: medium.shortcode,
    client_cache_key: `${Buffer.from(id).toString("base64")}.2`,
    user: creatorSummary(world, creator, toNumber),
    ...(tellsHiding(medium) && { like_and_view_counts_disabled: hasHiddenFlag(medium) }),
    is_commercial: medium.isPaidPartnership,
    commerciality_status: medium.isPaidPartnership ? "commercial" : "not_commercial",
    is_paid_partnership: medium.isPaidPartnership,
    ...(medium.sponsors.length && {
      sponsor_tags: medium.sponsors.map((sponsor) => ({
        permission: false,
        is_pending: false,
        sponsor: personBody(world, sponsor, toNumber),
      })),
    }),
    has_more_comments: medium.comments > 2,
    comment_count: medium.comments,
    comments_disabled: medium.commentsDisabled,
    like_count: sentLikes(medium),
    coauthor_producers: medium.coauthors.map((coauthor) => personBody(world, coauthor, toNumber)),
    ...(medium.tagged.length && { usertags: usertags(world, medium, toNumber) }),
    ...(location && { location: locationBody(location, toNumber), lat: location.lat, lng: location.lng }),
    ...frameBody(world, form === "carousel" ? { ...cover, isVideo: false } : cover),
    ...(cover.isVideo && form !== "carousel" && { has_audio: medium.hasAudio }),
    ...(form === "carousel" && {
      carousel_media_count: children.length,
      carousel_media: children.map((child) => ({
        id: `${child.id}_${creator.id}`,
        media_type: child.isVideo ? 2 : 1,
        ...frameBody(world, child),
        pk: toNumber(child.id),
        carousel_parent_id: fullId,
        commerciality_status: "not_commercial",
      })),
    }),
    ...counters(medium, tab),
    caption: captionBody(world, medium, toNumber),
    product_type: PRODUCT_TYPES[form],
    ...pins(world, medium, view),
    ...(form === "reel" && { clips_metadata: clipsMetadata(world, medium, toNumber) }),
  };
}

/** What all media have alike, for those who are not logged in. */
const MEDIUM_CONSTANTS = {
  filter_type: 0,
  is_unified_video: false,
  can_viewer_reshare: true,
  can_viewer_save: true,
  can_see_insights_as_brand: false,
  can_view_more_preview_comments: false,
  caption_is_edited: false,
  playlist_eligibility: false,
  commenting_disabled_for_viewer: true,
  comment_likes_enabled: true,
  comment_threading_enabled: true,
  max_num_visible_preview_comments: 2,
  preview_comments: [],
  comments: [],
  next_max_id: 17_886_263_176_571,
  hide_view_all_comment_entrypoint: false,
  inline_composer_display_condition: "impression_trigger",
  comment_inform_treatment: { should_have_inform_treatment: false, text: "" },
  has_liked: false,
  top_likers: [],
  facepile_top_likers: [],
  photo_of_you: false,
  featured_products_cta: null,
  is_organic_product_tagging_eligible: false,
  is_visual_reply_commenter_notice_enabled: true,
  original_media_has_visual_reply_media: false,
  music_metadata: null,
  media_cropping_info: { square_crop: { crop_left: 0, crop_right: 0, crop_top: 0, crop_bottom: 0 } },
  logging_info_token: "",
  organic_tracking_token: "eyJ2ZXJzaW9uIjo1LCJwYXlsb2FkIjp7fX0=",
  sharing_friction_info: { should_have_sharing_friction: false, bloks_app_url: null },
  is_in_profile_grid: false,
  profile_grid_control_enabled: false,
  deleted_reason: 0,
  integrity_review_decision: "pending",
};

export const PRODUCT_TYPES = {
  photo: "feed",
  carousel: "carousel_container",
  video: "feed",
  reel: "clips",
} as const;

/** Where the flag is missing, a client has nothing but the numbers to go by. */
function tellsHiding({ likeDisplay }: Medium): boolean {
  return likeDisplay !== "three" && likeDisplay !== "negative";
}

function counters({ plays, reshares, reposts, form, ...medium }: Medium, tab: Tab): Record<string, unknown> {
  const isHidden = medium.likeDisplay.startsWith("flag");
  const passedOn = { reshare_count: reshares, media_repost_count: reposts };
  if (!plays || isHidden) return passedOn;
  if (tab === "feed") return form === "video" ? { ...passedOn, view_count: plays.viewCount } : passedOn;
  return {
    ...passedOn,
    ...(plays.playCount !== null && { play_count: plays.playCount }),
    ig_play_count: plays.igPlayCount,
    view_count: plays.viewCount,
  };
}

function frameBody(world: InstagramWorld, frame: Frame): Record<string, unknown> {
  const { width, height, isVideo, durationSecs, caption } = frame;
  return {
    image_versions2: {
      candidates: [1, 0.5, 0.25].map((scale) => ({
        width: Math.round(width * scale),
        height: Math.round(height * scale),
        url: mediaUrl(world, frame.picturePath) + (scale === 1 ? "" : `&scale=${scale}`),
      })),
    },
    original_width: width,
    original_height: height,
    ...(caption !== null && { accessibility_caption: caption }),
    ...(isVideo && {
      video_versions: [101, 102].map((type, i) => ({
        type,
        width: Math.round(width / (i + 1)),
        height: Math.round(height / (i + 1)),
        url: mediaUrl(world, frame.videoPath!) + (i === 0 ? "" : "&low=1"),
        id: `${frame.id.slice(-15)}${i}`,
      })),
      video_duration: durationSecs,
    }),
  };
}

function captionBody(world: InstagramWorld, { caption, creator, id, takenAt }: Medium, toNumber: ToNumber) {
  if (!caption) return null;
  return {
    pk: toNumber(`178${id.slice(-14)}`),
    user_id: toNumber(creator.id),
    text: caption.text,
    type: 1,
    created_at: takenAt,
    created_at_utc: takenAt,
    content_type: "comment",
    status: "Active",
    bit_flags: 0,
    did_report_as_spam: false,
    share_enabled: false,
    user: creatorSummary(world, creator, toNumber),
    is_covered: false,
    media_id: toNumber(id),
    private_reply_status: 0,
  };
}

function usertags(world: InstagramWorld, { tagged }: Medium, toNumber: ToNumber) {
  return {
    in: tagged.map((user, i) => ({
      user: personBody(world, user, toNumber),
      position: [0.25 * i, 0.5],
      start_time_in_video_in_sec: null,
      duration_in_video_in_sec: null,
    })),
  };
}

function locationBody({ id, name, city, lat, lng }: NonNullable<Medium["location"]>, toNumber: ToNumber) {
  return {
    pk: toNumber(id),
    short_name: name.split(",")[0],
    facebook_places_id: toNumber(`10${id}`),
    external_source: "facebook_places",
    name,
    address: "",
    city,
    lng,
    lat,
    is_eligible_for_guides: true,
    has_viewer_saved: false,
  };
}

function pins(
  world: InstagramWorld,
  { creator, ordinal }: Medium,
  { tab, toNumber, at }: MediumView,
): Record<string, unknown> {
  const key = tab === "feed" ? "timeline_pinned_user_ids" : "clips_tab_pinned_user_ids";
  if (!tellsPins(creator.index)) return {};
  const isPinned = pinnedOrdinals(world, creator.index, tab, at).includes(ordinal);
  return { [key]: isPinned ? [toNumber(creator.id)] : [] };
}
