import { z } from "zod";
import { count, flag, lenient, text, time } from "../../shared/parse/fields.ts";
import { readShape } from "../../shared/parse/shape.ts";
import type { Audio, Medium, Person } from "./items.ts";
import { knownCount, readLikes, type SeenMedia } from "./media.ts";
import { Id } from "./parse-private.ts";

const Account = z.object({ id: Id, username: text });
const Edges = <Node extends z.ZodType>(node: Node) =>
  lenient(z.object({ edges: lenient(z.array(z.object({ node }))) }));
const Counted = lenient(z.object({ count }));

/** What a medium and a child of a carousel have in common. */
const Frame = z.object({
  __typename: text,
  dimensions: lenient(z.object({ width: count, height: count })),
  display_url: text,
  is_video: flag,
  video_url: text,
  video_duration: count,
  accessibility_caption: text,
});

/** Fields of a node of the web's older GraphQL: `edge_owner_to_timeline_media.edges[].node`. */
const Node = Frame.extend({
  id: z.string(),
  shortcode: text,
  product_type: text,
  taken_at_timestamp: time,
  edge_media_to_caption: Edges(z.object({ text })),
  edge_media_to_comment: Counted,
  edge_media_to_parent_comment: Counted,
  edge_media_preview_like: Counted,
  edge_liked_by: Counted,
  like_and_view_counts_disabled: flag,
  comments_disabled: flag,
  is_paid_partnership: flag,
  video_view_count: count,
  video_play_count: count,
  has_audio: flag,
  owner: lenient(Account),
  location: lenient(z.object({ id: Id, name: text, lat: count, lng: count })),
  pinned_for_users: lenient(z.array(z.unknown())),
  coauthor_producers: lenient(z.array(Account)),
  edge_media_to_tagged_user: Edges(z.object({ user: Account })),
  edge_media_to_sponsor_user: Edges(z.object({ sponsor: Account })),
  edge_sidecar_to_children: Edges(Frame),
  clips_music_attribution_info: lenient(
    z.object({ audio_id: Id, song_name: text, artist_name: text, uses_original_audio: flag }),
  ),
});
type Node = z.infer<typeof Node>;

const MEDIA_TYPES: Record<string, 1 | 2 | 8> = { Image: 1, Video: 2, Sidecar: 8 };

/** One medium of the web's older GraphQL. It has no plays, and shows view counts of videos alone. */
export function readGraphqlMedia(value: unknown): SeenMedia {
  const node = readShape(Node, value, "a medium");
  const { dimensions, location } = node;
  const media_type = MEDIA_TYPES[/(Image|Video|Sidecar)$/.exec(node["__typename"] ?? "")?.[1] ?? ""];
  const children = node.edge_sidecar_to_children?.edges?.map((edge) => edge.node);
  const caption = node.edge_media_to_caption?.edges;
  const sponsors = readPeople(node.edge_media_to_sponsor_user?.edges?.map((edge) => edge.node.sponsor));
  return {
    media_id: node.id,
    shortcode: node.shortcode ?? null,
    ig_user_id: node.owner?.id ?? undefined,
    product_type: node.product_type,
    media_type,
    taken_at: node.taken_at_timestamp ?? undefined,
    caption_text: caption && (caption[0]?.node.text ?? null),
    likes: readLikes(
      (node.edge_media_preview_like ?? node.edge_liked_by)?.count,
      node.like_and_view_counts_disabled,
    ),
    comment_count: knownCount((node.edge_media_to_comment ?? node.edge_media_to_parent_comment)?.count),
    comments_disabled: node.comments_disabled ?? undefined,
    thumbnail_url: node.display_url,
    is_paid_partnership: node.is_paid_partnership ?? (sponsors && sponsors.length > 0),
    is_pinned: node.pinned_for_users ? node.pinned_for_users.length > 0 : undefined,
    carousel_media_count: media_type === 8 ? children?.length : null,
    original_width: dimensions?.width,
    original_height: dimensions?.height,
    accessibility_caption: node.accessibility_caption,
    play_count: knownCount(node.video_play_count),
    ig_play_count: undefined,
    view_count: knownCount(node.video_view_count),
    video_duration: node.video_duration,
    has_audio: node.has_audio,
    video_url: node.video_url,
    reshare_count: undefined,
    media_repost_count: undefined,
    media: readMedia(children ?? [node]),
    coauthors: readPeople(node.coauthor_producers),
    tagged_users: readPeople(node.edge_media_to_tagged_user?.edges?.map((edge) => edge.node.user)),
    sponsor_tags: sponsors,
    location: location && {
      id: location.id ?? null,
      name: location.name ?? null,
      lat: location.lat ?? null,
      lng: location.lng ?? null,
    },
    audio: readAudio(node),
  };
}

function readPeople(accounts: readonly z.infer<typeof Account>[] | null | undefined): Person[] | undefined {
  return accounts?.flatMap(({ id, username }) =>
    id ? [{ ig_user_id: id, username: username ?? null }] : [],
  );
}

function readMedia(frames: readonly z.infer<typeof Frame>[]): Medium[] {
  return frames.flatMap((frame): Medium[] => {
    const { width = null, height = null } = frame.dimensions ?? {};
    const video = frame.is_video === true ? frame.video_url : null;
    const url = video ?? frame.display_url;
    if (!url) return [];
    const duration_secs = video ? (frame.video_duration ?? null) : null;
    const { accessibility_caption = null } = frame;
    return [{ type: video ? "video" : "image", url, width, height, duration_secs, accessibility_caption }];
  });
}

function readAudio({ clips_music_attribution_info: info }: Node): Audio | null | undefined {
  if (!info) return info;
  return {
    id: info.audio_id ?? null,
    title: info.song_name ?? null,
    artist: info.artist_name ?? null,
    is_original: info.uses_original_audio === true,
  };
}
