import type { Person } from "./media.ts";
import { mediaUrl } from "./media-urls.ts";
import type { ToNumber } from "./wire-ids.ts";
import type { Creator, InstagramWorld } from "./world.ts";

// Accounts as they stand within other things, in the form of the apps.

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
    breaking_creator_info: null,
    friendship_status: {
      following: false,
      outgoing_request: false,
      is_bestie: false,
      is_restricted: false,
      is_feed_favorite: false,
    },
    is_favorite: false,
    latest_reel_media: 0,
    has_highlight_reels: false,
  };
}

export function personBody(world: InstagramWorld, { id, username, fullName }: Person, toNumber: ToNumber) {
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
