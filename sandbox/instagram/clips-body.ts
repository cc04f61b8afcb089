import type { Medium } from "./media.ts";
import { creatorSummary } from "./people-body.ts";
import type { ToNumber } from "./wire-ids.ts";
import type { InstagramWorld } from "./world.ts";

/** `clips_metadata` of a reel: whose sound it has. */
export function clipsMetadata(
  world: InstagramWorld,
  { audio, creator, cover, id, takenAt }: Medium,
  toNumber: ToNumber,
) {
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
            ...SOUND_CONSTANTS,
            audio_asset_id: toNumber(audio.id),
            original_media_id: id,
            time_created: takenAt,
            ig_artist: creatorSummary(world, creator, toNumber),
            duration_in_ms: durationMs,
            original_audio_title: audio.title,
          }
        : null,
    audio_type: isMusic ? "licensed_music" : "original_sounds",
    music_canonical_id: audio?.id ?? null,
    ...CLIPS_CONSTANTS,
  };
}

const CLIPS_CONSTANTS = {
  featured_label: null,
  mashup_info: {
    mashups_allowed: false,
    can_toggle_mashups_allowed: false,
    has_been_mashed_up: false,
    formatted_mashups_count: null,
    original_media: null,
  },
  nux_info: null,
  viewer_interaction_settings: null,
  branded_content_tag_info: { can_add_tag: false },
  shopping_info: null,
  additional_audio_info: null,
  is_shared_to_fb: false,
  breaking_content_info: null,
  challenge_info: null,
  asset_recommendation_info: null,
};

const SOUND_CONSTANTS = {
  progressive_download_url: "https://video.xx.fbcdn.net/sound_n.m4a",
  dash_manifest: "<MPD></MPD>",
  should_mute_audio: false,
  hide_remixing: false,
  consumption_info: { is_bookmarked: false, should_mute_audio_reason: "", is_trending_in_clips: false },
  allow_creator_to_rename: true,
  can_remix_be_shared_to_fb: false,
  formatted_clips_media_count: null,
  audio_parts: [],
  is_explicit: false,
  original_audio_subtype: "default",
  is_audio_automatically_attributed: false,
};
