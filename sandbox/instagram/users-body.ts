import { FEED_PAGE, pageOf } from "./feeds.ts";
import { mediumNode, toCursor } from "./graphql-body.ts";
import { mediaCount } from "./media.ts";
import { mediaUrl } from "./media-urls.ts";
import type { ToNumber } from "./wire-ids.ts";
import { type Creator, type InstagramWorld, creatorAt, relatedIndexes, showsMedia } from "./world.ts";

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
    bio_links: linksBody(creator),
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

/** The same account in the flat form of the apps. */
export function flatUser(
  world: InstagramWorld,
  creator: Creator,
  { at, toNumber }: { at: number; toNumber: ToNumber },
): Record<string, unknown> {
  const isGated = creator.state === "gated";
  const count = mediaCount(world, creator.index, at);
  const picture = mediaUrl(world, creator.picturePath);
  return {
    pk: toNumber(creator.id),
    username: creator.username,
    full_name: creator.fullName,
    biography: isGated ? "" : creator.biography,
    bio_links: linksBody(creator),
    external_url: creator.links[0]?.url ?? "",
    is_private: creator.state === "private",
    is_verified: creator.isVerified,
    account_type: creator.isBusiness ? 2 : creator.isProfessional ? 3 : 1,
    category: creator.category,
    follower_count: isGated ? 0 : creator.followers,
    following_count: isGated ? 0 : creator.following,
    media_count: isGated ? 0 : count,
    total_clips_count: Math.ceil(count / 3),
    profile_pic_url: `${picture}&size=150`,
    hd_profile_pic_url_info: { url: picture, width: 1080, height: 1080 },
    ...(isGated && { gating: GATING }),
  };
}

function linksBody({ links }: Creator) {
  return links.map(({ title, url }) => ({
    title,
    lynx_url: `https://l.instagram.com/?u=${encodeURIComponent(url)}&e=AT0`,
    url,
    link_type: "external",
  }));
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
