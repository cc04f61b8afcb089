import { z } from "zod";
import { count, extent, flag, fromTold, lenient, text, time, told } from "../../shared/parse/fields.ts";
import { listOf, partOf } from "../../shared/parse/parts.ts";
import { readShape } from "../../shared/parse/shape.ts";
import type { Audio, Medium } from "./items.ts";
import { knownCount, readLikes, type SeenMedia, viewCount, wasSeen } from "./media.ts";
import { field } from "./parse-list.ts";
import { countOf, Id, peopleIn, PersonEntry, readChildren } from "./parse-private.ts";

/** A connection, with the node of each edge. */
const Edges = <Node extends z.ZodType>(name: string, node: Node) => {
  const edge = z.unknown().transform((value) => field(value, "node"));
  return partOf(name, z.object({ edges: listOf(name, edge.pipe(node)) }));
};
const Counted = lenient(z.object({ count }));

/** What a medium and a child of a carousel have in common. */
const Frame = z.object({
  __typename: text,
  dimensions: lenient(z.object({ width: extent, height: extent })),
  display_url: text,
  is_video: flag,
  video_url: text,
  video_duration: extent,
  accessibility_caption: text,
});

/** Fields of a node of the web's older GraphQL: `edge_owner_to_timeline_media.edges[].node`. */
const Node = Frame.extend({
  id: z.string(),
  shortcode: text,
  product_type: text,
  taken_at_timestamp: time,
  edge_media_to_caption: Edges("edge_media_to_caption", z.object({ text })),
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
  owner: lenient(z.object({ id: Id })),
  location: partOf("location", z.object({ id: Id, name: text, lat: count, lng: count })),
  pinned_for_users: lenient(z.array(z.unknown())),
  coauthor_producers: listOf("coauthor_producers", PersonEntry),
  edge_media_to_tagged_user: Edges(
    "edge_media_to_tagged_user",
    z.object({ user: PersonEntry }).transform(({ user }) => user),
  ),
  edge_media_to_sponsor_user: Edges(
    "edge_media_to_sponsor_user",
    z.object({ sponsor: PersonEntry }).transform(({ sponsor }) => sponsor),
  ),
  edge_sidecar_to_children: Edges("edge_sidecar_to_children", Frame),
  clips_music_attribution_info: partOf(
    "clips_music_attribution_info",
    z.object({ audio_id: Id, song_name: text, artist_name: text, uses_original_audio: flag }),
  ),
});
type Frame = z.infer<typeof Frame>;
type Node = z.infer<typeof Node>;

const MEDIA_TYPES: Record<string, 1 | 2 | 8> = { Image: 1, Video: 2, Sidecar: 8 };

/** One medium of the web's older GraphQL. It has no plays, and shows view counts of videos alone. */
export function readGraphqlMedia(value: unknown): SeenMedia {
  const node = readShape(Node, value, "a medium");
  const { dimensions, edge_sidecar_to_children: sidecar } = node;
  const media_type = MEDIA_TYPES[/(Image|Video|Sidecar)$/.exec(node["__typename"] ?? "")?.[1] ?? ""];
  const likes = readLikes(
    told(countIn(node.edge_media_preview_like), countIn(node.edge_liked_by)),
    node.like_and_view_counts_disabled,
  );
  const comment_count = knownCount(
    told(countIn(node.edge_media_to_comment), countIn(node.edge_media_to_parent_comment)),
  );
  const isSeen = wasSeen(likes, [comment_count]);
  const sponsors = peopleIn(edgesIn(node.edge_media_to_sponsor_user));
  return {
    media_id: node.id,
    shortcode: node.shortcode,
    ig_user_id: node.owner?.id ?? undefined,
    product_type: node.product_type,
    media_type,
    taken_at: node.taken_at_timestamp ?? undefined,
    caption_text: fromTold(edgesIn(node.edge_media_to_caption), ([first]) => (first ? first.text : null)),
    likes,
    comment_count,
    comments_disabled: node.comments_disabled,
    thumbnail_url: node.display_url,
    is_paid_partnership: told(node.is_paid_partnership, sponsors && sponsors.length > 0),
    is_pinned: node.pinned_for_users ? node.pinned_for_users.length > 0 : undefined,
    carousel_media_count:
      media_type === 8
        ? fromTold(sidecar, () => countOf(field(field(value, "edge_sidecar_to_children"), "edges")))
        : fromTold(media_type, () => null),
    original_width: fromTold(dimensions, ({ width }) => width),
    original_height: fromTold(dimensions, ({ height }) => height),
    accessibility_caption: node.accessibility_caption,
    play_count: viewCount(node.video_play_count, isSeen),
    ig_play_count: undefined,
    view_count: viewCount(node.video_view_count, isSeen),
    video_duration: node.video_duration,
    has_audio: node.has_audio,
    video_url: node.video_url,
    reshare_count: undefined,
    media_repost_count: undefined,
    media: readMedia(node),
    coauthors: peopleIn(node.coauthor_producers),
    tagged_users: peopleIn(edgesIn(node.edge_media_to_tagged_user)),
    sponsor_tags: sponsors,
    location: fromTold(node.location, ({ id = null, name = null, lat = null, lng = null }) => ({
      id,
      name,
      lat,
      lng,
    })),
    audio: fromTold(node.clips_music_attribution_info, readAudio),
  };
}

function countIn(counted: z.infer<typeof Counted>): number | null | undefined {
  return fromTold(counted, (edges) => edges.count);
}

function edgesIn<Entry>(
  connection: { edges: Entry[] | null | undefined } | null | undefined,
): Entry[] | null | undefined {
  return fromTold(connection, ({ edges }) => edges);
}

/** Children of a carousel, else the one picture or video; `undefined` where the source shows neither. */
function readMedia(node: Node): Medium[] | undefined {
  const children = edgesIn(node.edge_sidecar_to_children);
  if (children) return readChildren(children, readFrame);
  if (node.edge_sidecar_to_children && children === undefined) return undefined;
  const only = readFrame(node);
  if (only) return [only];
  return node.display_url === null ? [] : undefined;
}

function readFrame(frame: Frame): Medium | null {
  const { width = null, height = null } = frame.dimensions ?? {};
  const video = frame.is_video === true ? frame.video_url : null;
  const url = video ?? frame.display_url;
  if (!url) return null;
  const duration_secs = video ? (frame.video_duration ?? null) : null;
  const { accessibility_caption = null } = frame;
  return { type: video ? "video" : "image", url, width, height, duration_secs, accessibility_caption };
}

function readAudio(info: NonNullable<Node["clips_music_attribution_info"]>): Audio {
  return {
    id: info.audio_id ?? null,
    title: info.song_name ?? null,
    artist: info.artist_name ?? null,
    is_original: info.uses_original_audio === true,
  };
}
