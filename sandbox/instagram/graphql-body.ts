import { FEED_PAGE, pageOf, pinnedOrdinals, tellsPins } from "./feeds.ts";
import { type Frame, type Medium, type Person, hasHiddenFlag, mediaCount, sentLikes } from "./media.ts";
import { mediaUrl } from "./media-urls.ts";
import { type Creator, type InstagramWorld, creatorAt, relatedIndexes, showsMedia } from "./world.ts";

/** A medium as the web's older GraphQL has it: `edge_owner_to_timeline_media.edges[].node`. */
export function mediumNode(world: InstagramWorld, medium: Medium, at: number): Record<string, unknown> {
  const { creator, form, caption, location, children, cover, audio } = medium;
  return {
    __typename: TYPENAMES[form],
    ...frameNode(world, { ...cover, id: medium.id, isVideo: form === "video" || form === "reel" }),
    edge_media_to_tagged_user: { edges: medium.tagged.map((user, i) => taggedEdge(world, user, i)) },
    ...(medium.plays && {
      has_audio: medium.hasAudio,
      video_view_count: hasHiddenFlag(medium) ? null : medium.plays.viewCount,
      product_type: form === "reel" ? "clips" : "feed",
    }),
    edge_media_to_caption: { edges: caption ? [{ node: { text: caption.text } }] : [] },
    shortcode: medium.shortcode,
    edge_media_to_comment: {
      count: medium.comments,
      page_info: { has_next_page: false, end_cursor: null },
      edges: [],
    },
    edge_media_to_sponsor_user: {
      edges: medium.sponsors.map((sponsor) => ({ node: { sponsor: personNode(world, sponsor) } })),
    },
    comments_disabled: medium.commentsDisabled,
    taken_at_timestamp: medium.takenAt,
    edge_media_preview_like: {
      count: sentLikes(medium) === 3 && hasHiddenFlag(medium) ? -1 : sentLikes(medium),
      edges: [],
    },
    owner: { id: creator.id, username: creator.username },
    location: location && {
      id: location.id,
      has_public_page: true,
      name: location.name,
      slug: location.slug,
    },
    viewer_has_liked: false,
    viewer_has_saved: false,
    viewer_has_saved_to_collection: false,
    viewer_in_photo_of_you: false,
    viewer_can_reshare: true,
    thumbnail_src: `${mediaUrl(world, cover.picturePath)}&crop=640`,
    thumbnail_resources: [150, 640].map((size) => ({
      src: `${mediaUrl(world, cover.picturePath)}&crop=${size}`,
      config_width: size,
      config_height: size,
    })),
    coauthor_producers: medium.coauthors.map((coauthor) => personNode(world, coauthor)),
    ...(tellsPins(creator.index) && {
      pinned_for_users: pinnedOrdinals(world, creator.index, "feed", at).includes(medium.ordinal)
        ? [personNode(world, creator)]
        : [],
    }),
    ...(audio && {
      clips_music_attribution_info: {
        artist_name: audio.artist,
        song_name: audio.title,
        uses_original_audio: audio.kind === "original",
        should_mute_audio: false,
        should_mute_audio_reason: "",
        audio_id: audio.id,
      },
    }),
    ...(children.length && {
      edge_sidecar_to_children: {
        edges: children.map((child) => ({
          node: {
            __typename: child.isVideo ? "GraphVideo" : "GraphImage",
            ...frameNode(world, child),
            edge_media_to_tagged_user: { edges: [] },
          },
        })),
      },
    }),
  };
}

/**
 * The user of `web_profile_info`, without media for those who are private.
 * @param isWhole with what the data API leaves out: where the list goes on, and who is related
 */
export function userBody(
  world: InstagramWorld,
  creator: Creator,
  { at, isWhole }: { at: number; isWhole: boolean },
): Record<string, unknown> {
  const count = mediaCount(world, creator.index, at);
  const { media, below } = pageOf(world, creator, "feed", { from: null, limit: FEED_PAGE, at });
  const isGated = creator.state === "gated";
  const picture = mediaUrl(world, creator.picturePath);
  return {
    biography: isGated ? "" : creator.biography,
    bio_links: creator.links.map(({ title, url }) => ({
      title,
      lynx_url: `https://l.instagram.com/?u=${encodeURIComponent(url)}&e=AT0`,
      url,
      link_type: "external",
    })),
    blocked_by_viewer: false,
    restricted_by_viewer: false,
    country_block: false,
    external_url: creator.links[0]?.url ?? null,
    external_url_linkshimmed: null,
    edge_followed_by: { count: isGated ? 0 : creator.followers },
    fbid: creator.fbid,
    followed_by_viewer: false,
    edge_follow: { count: isGated ? 0 : creator.following },
    follows_viewer: false,
    full_name: creator.fullName,
    has_ar_effects: false,
    has_clips: count > 0,
    has_guides: false,
    has_channel: false,
    has_blocked_viewer: false,
    highlight_reel_count: creator.highlights,
    has_requested_viewer: false,
    hide_like_and_view_counts: creator.index % 20 === 17,
    id: creator.id,
    is_business_account: creator.isBusiness,
    is_professional_account: creator.isProfessional,
    is_supervision_enabled: false,
    is_guardian_of_viewer: false,
    is_supervised_by_viewer: false,
    is_embeds_disabled: false,
    is_joined_recently: creator.isJoinedRecently,
    guardian_id: null,
    business_address_json: null,
    business_contact_method: "UNKNOWN",
    business_email: null,
    business_phone_number: null,
    business_category_name: null,
    overall_category_name: null,
    category_enum: null,
    category_name: creator.category,
    is_private: creator.state === "private",
    is_verified: creator.isVerified,
    is_verified_by_mv4b: false,
    edge_mutual_followed_by: { count: 0, edges: [] },
    profile_pic_url: `${picture}&size=150`,
    profile_pic_url_hd: picture,
    requested_by_viewer: false,
    should_show_category: creator.category !== null,
    should_show_public_contacts: false,
    state_controlled_media_country: null,
    transparency_label: null,
    transparency_product: null,
    username: creator.username,
    connected_fb_page: null,
    pronouns: [],
    ...(isGated && { gating: GATING }),
    ...(isWhole && { edge_related_profiles: relatedBody(world, creator, at) }),
    edge_felix_video_timeline: { count: 0, page_info: { has_next_page: false, end_cursor: null }, edges: [] },
    edge_owner_to_timeline_media: {
      count: isGated ? 0 : count,
      ...(isWhole && {
        page_info: { has_next_page: below !== null, end_cursor: below === null ? null : toCursor(below) },
      }),
      edges: media.map((medium) => ({ node: mediumNode(world, medium, at) })),
    },
    edge_saved_media: { count: 0, page_info: { has_next_page: false, end_cursor: null }, edges: [] },
    edge_media_collections: { count: 0, page_info: { has_next_page: false, end_cursor: null }, edges: [] },
  };
}

/** What a visitor is told who may not see the account. */
export const GATING = {
  gating_type: "appealable",
  title: "Are You 20 or Over?",
  description: "You must be 20 years old or over to see this profile",
};

/** The page that stands in the place of an account for adults. */
export function restrictedBody(world: InstagramWorld, creator: Creator): Record<string, unknown> {
  return {
    title: "Restricted profile",
    description: "You must be 18 years old or over to see this profile",
    user_avatar_url: mediaUrl(world, creator.picturePath),
    username: creator.username,
  };
}

/** `edge_related_profiles` of one who has any. */
export function relatedBody(world: InstagramWorld, creator: Creator, at: number): { edges: unknown[] } {
  return {
    edges: (showsMedia(creator) ? relatedIndexes(world, creator.index) : []).map((index) => {
      const { id, username, fullName, isVerified, state, picturePath } = creatorAt(world, index, at);
      return {
        node: {
          id,
          full_name: fullName,
          is_private: state === "private",
          is_verified: isVerified,
          profile_pic_url: mediaUrl(world, picturePath),
          username,
        },
      };
    }),
  };
}

/** Opaque to clients: where the next page begins. */
export function toCursor(below: number): string {
  return `QVFD${Buffer.from(`below:${below}`).toString("base64")}`;
}

/** `null` for what is no cursor of ours: such a request gets the first page. */
export function fromCursor(cursor: string): number | null {
  const text = Buffer.from(cursor.replace(/^QVFD/, ""), "base64").toString();
  const [, below] = /^below:(\d+)$/.exec(text) ?? [];
  return below === undefined ? null : Number(below);
}

const TYPENAMES = {
  photo: "GraphImage",
  carousel: "GraphSidecar",
  video: "GraphVideo",
  reel: "GraphVideo",
} as const;

function frameNode(world: InstagramWorld, frame: Frame): Record<string, unknown> {
  const { id, width, height, isVideo, caption } = frame;
  const picture = mediaUrl(world, frame.picturePath);
  return {
    id,
    gating_info: null,
    fact_check_overall_rating: null,
    fact_check_information: null,
    media_overlay_info: null,
    dimensions: { height, width },
    display_url: picture,
    display_resources: [0.5, 0.75, 1].map((scale) => ({
      src: scale === 1 ? picture : `${picture}&scale=${scale}`,
      config_width: Math.round(width * scale),
      config_height: Math.round(height * scale),
    })),
    is_video: isVideo,
    media_preview: null,
    tracking_token: "eyJ2ZXJzaW9uIjo1fQ==",
    ...(isVideo
      ? {
          dash_info: { is_dash_eligible: false, video_dash_manifest: null, number_of_qualities: 0 },
          video_url: mediaUrl(world, frame.videoPath!),
          video_duration: frame.durationSecs,
          video_view_count: null,
        }
      : { accessibility_caption: caption }),
  };
}

function taggedEdge(world: InstagramWorld, user: Person, i: number) {
  return { node: { user: personNode(world, user), x: 0.25 * i, y: 0.5 } };
}

function personNode(world: InstagramWorld, { id, username, fullName }: Person) {
  return {
    full_name: fullName,
    id,
    is_verified: false,
    profile_pic_url: mediaUrl(world, `/v/t51.2885-19/${id}_n.jpg`),
    username,
  };
}
