import { type Tab, FEED_PAGE, pageOf, pinnedOrdinals, reelsPage, tellsPins } from "./feeds.ts";
import { PRODUCT_TYPES } from "./media-body.ts";
import { mediaUrl } from "./media-urls.ts";
import { type Frame, type Medium, type Person, hasHiddenFlag, mediaCount } from "./media.ts";
import { type Creator, type InstagramWorld, creatorAt, relatedIndexes, showsMedia } from "./world.ts";

// The items of a perfect crawl, from the world itself and not from what the sites send. They have the columns of
// the tables and timestamps in ISO 8601; `observed_at` and `source` are the crawl's own. A field that is `null` is
// told by nobody.

/** A crawl by one source knows what that source tells. The browser sees what the web answers, of a list each medium once. */
export type Source = "api" | "web" | "browser";

/** An item of `instagram_creators` without what follows from posts and reels; for the missing, what is stated. */
export function creatorItem(world: InstagramWorld, creator: Creator, at: number, source: Source) {
  const { id, username, state } = creator;
  const [availability, availability_reason] = availabilityOf(creator, source);
  if (state === "missing") return { ig_user_id: id, availability, availability_reason };
  if (state === "age_restricted" || (state === "login_required" && source !== "api"))
    return { username, availability, availability_reason };
  const isGated = state === "gated";
  const picture = mediaUrl(world, creator.picturePath);
  const links = creator.links.map(({ title, url }) => ({ title: title || null, url, link_type: "external" }));
  return {
    ig_user_id: id,
    username,
    full_name: creator.fullName,
    biography: isGated ? null : creator.biography,
    external_url: links[0]?.url ?? null,
    external_url_type: links[0]?.link_type ?? null,
    bio_links: links,
    profile_pic_url: `${picture}&size=150`,
    profile_pic_url_hd: picture,
    is_private: state === "private",
    is_verified: creator.isVerified,
    is_business_account: creator.isBusiness,
    is_professional_account: creator.isProfessional,
    is_joined_recently: creator.isJoinedRecently,
    category_name: creator.category,
    has_clips: mediaCount(world, creator.index, at) > 0,
    highlight_reel_count: creator.highlights,
    followers_count: isGated ? null : creator.followers,
    following_count: isGated ? null : creator.following,
    media_count: isGated ? null : mediaCount(world, creator.index, at),
    availability,
    availability_reason,
  };
}

/** Availability and its reason, as the source states it; a login wall states nothing of the creator. */
export function availabilityOf(
  { state }: Creator,
  source: Source,
): [availability: string, reason: string | null] {
  switch (state) {
    case "private":
      return ["private", "private"];
    case "age_restricted":
      return ["gated", "You must be 18 years old or over to see this profile"];
    case "gated":
      return ["gated", "You must be 20 years old or over to see this profile"];
    case "missing":
      return ["not_found", "User not found"];
    case "login_required":
      return source !== "api" ? ["unknown", "require_login"] : ["ok", null];
    default:
      return ["ok", null];
  }
}

/**
 * Items of `instagram_posts` or `instagram_reels`: each medium once of what a tab shows first.
 * @param limit of entries, repeats included; for the browser of media
 */
export function tabItems(
  world: InstagramWorld,
  creator: Creator,
  { tab, limit, at, source }: { tab: Tab; limit: number; at: number; source: Source },
) {
  const { media } = pageOf(world, creator, tab, {
    from: null,
    limit: source === "browser" ? Infinity : limit,
    at,
  });
  const distinct = [...new Map(media.map((medium) => [medium.id, medium])).values()].slice(0, limit);
  const item = tab === "feed" ? postItem : reelItem;
  return distinct.map((medium) => item(world, medium, { at, source }));
}

/** Items of `instagram_related`, in the site's order. */
export function relatedItems(world: InstagramWorld, creator: Creator, at: number) {
  if (!showsMedia(creator)) return [];
  return relatedIndexes(world, creator.index).map((index, i) => {
    const target = creatorAt(world, index, at);
    return {
      source_ig_user_id: creator.id,
      target_ig_user_id: target.id,
      target_username: target.username,
      target_full_name: target.fullName,
      target_is_private: target.state === "private",
      target_is_verified: target.isVerified,
      target_profile_pic_url: mediaUrl(world, target.picturePath),
      rank: i + 1,
    };
  });
}

export function isPinned(world: InstagramWorld, { creator, ordinal }: Medium, tab: Tab, at: number): boolean {
  if (!pinnedOrdinals(world, creator.index, tab, at).includes(ordinal)) return false;
  if (tellsPins(creator.index)) return true;
  // Nothing but its place gives it away: it stands before what is newer.
  const limit = tab === "feed" ? FEED_PAGE : reelsPage(creator.index);
  const { media } = pageOf(world, creator, tab, { from: null, limit, at });
  const place = media.findIndex((medium) => medium.ordinal === ordinal);
  return media.slice(place + 1).some((medium) => medium.ordinal > ordinal);
}

const MEDIA_TYPES = { photo: 1, carousel: 8, video: 2, reel: 2 } as const;
const POST_TYPES = { photo: "photo", carousel: "carousel", video: "video", reel: "video" } as const;

interface View {
  at: number;
  source: Source;
}

/** The web says of photos and carousels not what product they are, and of all not how often they were passed on. */
function postItem(world: InstagramWorld, medium: Medium, { at, source }: View) {
  const { form, children, cover, plays, location } = medium;
  const isWeb = source !== "api";
  const views = hasHiddenFlag(medium) ? null : (plays?.viewCount ?? null);
  const item = {
    ...commonItem(world, medium, "feed", at),
    ...contentItem(world, medium),
    post_type: POST_TYPES[form],
    carousel_media_count: form === "carousel" ? children.length : null,
    comments_disabled: medium.commentsDisabled,
    original_width: cover.width,
    original_height: cover.height,
    accessibility_caption: cover.caption,
    view_count: form === "video" || isWeb ? views : null,
  };
  if (!isWeb) return item;
  return {
    ...item,
    product_type: plays ? item.product_type : null,
    ...likesItem(medium, webReason(medium)),
    reshare_count: null,
    media_repost_count: null,
    location: location && { id: location.id, name: location.name, lat: null, lng: null },
  };
}

/** The web tells of reels how often they were played and shows the cover, but neither when they were taken nor more. */
function reelItem(world: InstagramWorld, medium: Medium, { at, source }: View) {
  const plays = hasHiddenFlag(medium) ? null : medium.plays;
  const counted = { ...commonItem(world, medium, "reels", at), play_count: plays?.playCount ?? null };
  if (source !== "api") {
    const { cover } = medium;
    const image = { ...cover, isVideo: false, durationSecs: null };
    const is_pinned = counted.is_pinned && tellsPins(medium.creator.index);
    return { ...counted, is_pinned, taken_at: null, media: [mediaEntry(world, image)] };
  }
  return {
    ...counted,
    ...contentItem(world, medium),
    ig_play_count: plays?.igPlayCount ?? null,
    video_view_count: plays?.viewCount ?? null,
    has_audio: medium.hasAudio,
    video_url: mediaUrl(world, medium.cover.videoPath!),
  };
}

function commonItem(world: InstagramWorld, medium: Medium, tab: Tab, at: number) {
  const { creator, form } = medium;
  return {
    media_id: medium.id,
    shortcode: medium.shortcode,
    ig_user_id: creator.id,
    product_type: PRODUCT_TYPES[form],
    media_type: MEDIA_TYPES[form],
    taken_at: new Date(medium.takenAt * 1000).toISOString(),
    ...likesItem(medium, HIDDEN_REASONS[medium.likeDisplay]),
    thumbnail_url: mediaUrl(world, medium.cover.picturePath),
    is_pinned: isPinned(world, medium, tab, at),
  };
}

/** @param reason why the count is not to be known; `null` when it is */
function likesItem({ creator, likes, comments }: Medium, reason: string | null) {
  const engagement = reason === null ? likes + comments : null;
  return {
    like_count: reason === null ? likes : null,
    likes_hidden: reason !== null,
    likes_hidden_reason: reason,
    comment_count: comments,
    engagement_count: engagement,
    engagement_rate:
      engagement === null || creator.followers === 0 ? null : (engagement / creator.followers) * 100,
  };
}

/** Posts of the web have no flag: who hides the count shows −1, and a 3 may be a count or stand for a hidden one. */
function webReason({ likeDisplay, likes }: Medium): string | null {
  if (likeDisplay === "shown") return likes === 3 ? "placeholder" : null;
  return likeDisplay === "three" ? "placeholder" : "negative";
}

const HIDDEN_REASONS = {
  shown: null,
  flag_negative: "disabled",
  flag_three: "disabled",
  negative: "negative",
  three: "placeholder",
} as const;

function contentItem(world: InstagramWorld, medium: Medium) {
  const { caption, cover, children, form, location, audio } = medium;
  return {
    caption_text: caption?.text ?? null,
    hashtags: caption?.hashtags ?? [],
    mentions: caption?.mentions ?? [],
    is_paid_partnership: medium.isPaidPartnership,
    video_duration: form === "carousel" ? null : cover.durationSecs,
    reshare_count: medium.reshares,
    media_repost_count: medium.reposts,
    media: (form === "carousel" ? children : [cover]).map((frame) => mediaEntry(world, frame)),
    coauthors: peopleItems(medium.coauthors),
    tagged_users: peopleItems(medium.tagged),
    sponsor_tags: peopleItems(medium.sponsors),
    location: location && { id: location.id, name: location.name, lat: location.lat, lng: location.lng },
    audio: audio && {
      id: audio.id,
      title: audio.title,
      artist: audio.artist,
      is_original: audio.kind === "original",
    },
  };
}

function mediaEntry(world: InstagramWorld, frame: Frame) {
  const { isVideo, width, height, durationSecs, caption } = frame;
  return {
    type: isVideo ? "video" : "image",
    url: mediaUrl(world, isVideo ? frame.videoPath! : frame.picturePath),
    width,
    height,
    duration_secs: durationSecs,
    accessibility_caption: caption,
  };
}

function peopleItems(people: readonly Person[]) {
  return people.map(({ id, username }) => ({ ig_user_id: id, username }));
}
