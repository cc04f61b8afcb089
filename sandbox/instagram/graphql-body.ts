import { pinnedOrdinals, tellsPins } from "./feeds.ts";
import { type Frame, type Medium, type Person, hasHiddenFlag, sentLikes } from "./media.ts";
import { mediaUrl } from "./media-urls.ts";
import type { InstagramWorld } from "./world.ts";

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
