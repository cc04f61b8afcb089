import { hash } from "../random.ts";
import { type Tab, pinnedOrdinals, tellsPins } from "./feeds.ts";
import { type Frame, type Medium, type Person, hasHiddenFlag, sentLikes } from "./media.ts";
import type { Creator, InstagramWorld } from "./world.ts";

/** How ids are sent as numbers. JSON has any integer; who has had them in JavaScript sends them rounded. */
export type ToNumber = (id: string) => unknown;

/** In the library since V8 11.4, in TypeScript's description of it not yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
export const exactNumber: ToNumber = (id) => rawJSON(id);
export const roundedNumber: ToNumber = (id) => Number(id);

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
    taken_at: takenAt,
    pk: toNumber(id),
    id: fullId,
    device_timestamp: takenAt * 1000,
    media_type: form === "photo" ? 1 : form === "carousel" ? 8 : 2,
    code: medium.shortcode,
    client_cache_key: `${Buffer.from(id).toString("base64")}.2`,
    filter_type: 0,
    is_unified_video: false,
    user: creatorSummary(world, creator, toNumber),
    can_viewer_reshare: true,
    caption_is_edited: false,
    ...(tellsHiding(medium) && { like_and_view_counts_disabled: hasHiddenFlag(medium) }),
    commerciality_status: medium.isPaidPartnership ? "commercial" : "not_commercial",
    is_paid_partnership: medium.isPaidPartnership,
    ...(medium.sponsors.length && {
      sponsor_tags: medium.sponsors.map((sponsor) => ({
        permission: false,
        sponsor: personBody(world, sponsor, toNumber),
      })),
    }),
    comment_likes_enabled: true,
    comment_threading_enabled: true,
    has_more_comments: medium.comments > 2,
    max_num_visible_preview_comments: 2,
    preview_comments: [],
    comments: [],
    comment_count: medium.comments,
    comments_disabled: medium.commentsDisabled,
    hide_view_all_comment_entrypoint: false,
    like_count: sentLikes(medium),
    has_liked: false,
    top_likers: [],
    photo_of_you: false,
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
    can_viewer_save: true,
    organic_tracking_token: "eyJ2ZXJzaW9uIjo1LCJwYXlsb2FkIjp7fX0=",
    sharing_friction_info: { should_have_sharing_friction: false, bloks_app_url: null },
    product_type: PRODUCT_TYPES[form],
    is_in_profile_grid: false,
    profile_grid_control_enabled: false,
    deleted_reason: 0,
    integrity_review_decision: "pending",
    ...pins(world, medium, view),
    ...(form === "reel" && { clips_metadata: clipsMetadata(world, medium, toNumber) }),
  };
}

export const PRODUCT_TYPES = {
  photo: "feed",
  carousel: "carousel_container",
  video: "feed",
  reel: "clips",
} as const;

/** Pictures and videos live under this prefix of the sandbox's port. */
export const CDN_PREFIX = "/cdn";

/** Signed as the real ones are; who signs is the address itself, so that they never change. */
export function mediaUrl(world: InstagramWorld, path: string): string {
  const signature = hash(world.seed, path.length, hash(0, Number(path.replaceAll(/\D/g, "").slice(-9))));
  return `${world.baseUrl}${CDN_PREFIX}${path}?stp=dst-jpg_e35&_nc_ht=scontent.cdninstagram.com&_nc_cat=103&oh=00_${signature.toString(16)}&oe=68E0F5B5`;
}

export function creatorSummary(
  world: InstagramWorld,
  { id, username, fullName, isVerified, state, picturePath }: Creator,
  toNumber: ToNumber,
): Record<string, unknown> {
  return {
    pk: toNumber(id),
    username,
    full_name: fullName,
    is_private: state === "private",
    profile_pic_url: mediaUrl(world, picturePath),
    profile_pic_id: `2494664702665588019_${id}`,
    is_verified: isVerified,
    follow_friction_type: 0,
    has_anonymous_profile_picture: false,
    is_unpublished: false,
    account_badges: [],
  };
}

function personBody(world: InstagramWorld, { id, username, fullName }: Person, toNumber: ToNumber) {
  return {
    pk: toNumber(id),
    username,
    full_name: fullName,
    is_private: false,
    profile_pic_url: mediaUrl(world, `/v/t51.2885-19/${id}_n.jpg`),
    profile_pic_id: `2372722672242064812_${id}`,
    is_verified: false,
    follow_friction_type: -1,
  };
}

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

function clipsMetadata(world: InstagramWorld, { audio, creator, cover }: Medium, toNumber: ToNumber) {
  const durationMs = Math.round((cover.durationSecs ?? 0) * 1000);
  const isMusic = audio?.kind === "music";
  return {
    music_info: isMusic
      ? {
          music_asset_info: {
            audio_cluster_id: audio.id,
            id: `99${audio.id}`,
            title: audio.title,
            display_artist: audio.artist,
            is_explicit: false,
            duration_in_ms: durationMs,
          },
          music_consumption_info: { is_bookmarked: false, is_trending_in_clips: false },
        }
      : null,
    original_sound_info:
      audio?.kind === "original"
        ? {
            audio_asset_id: toNumber(audio.id),
            ig_artist: creatorSummary(world, creator, toNumber),
            should_mute_audio: false,
            duration_in_ms: durationMs,
            original_audio_title: audio.title,
            is_explicit: false,
          }
        : null,
    audio_type: isMusic ? "licensed_music" : "original_sounds",
    music_canonical_id: audio?.id ?? null,
    featured_label: null,
    is_shared_to_fb: false,
  };
}
