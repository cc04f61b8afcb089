import { z } from "zod";
import { count, extent, text } from "../../shared/parse/fields.ts";
import { listOf, partOf } from "../../shared/parse/parts.ts";

/** One picture or video of a post, in the order in which it is shown. */
export interface Media {
  type: "image" | "gif" | "video";
  url: string;
  /** Pixels; `null` when the site does not say. */
  width: number | null;
  height: number | null;
  /** `null` for all but videos. */
  duration_secs: number | null;
}

const GalleryImage = z.object({
  s: partOf("media_metadata", z.object({ u: text, gif: text, x: extent, y: extent })),
});

const RedditVideo = z.object({ fallback_url: z.string(), width: extent, height: extent, duration: count });
const Holder = z.object({ reddit_video: partOf("reddit_video", RedditVideo) });

const Source = z.object({ url: z.string(), width: extent, height: extent });
const Preview = z.object({ images: listOf("preview", z.object({ source: Source })) });

/** The fields of a post that its media are read from. */
export const MediaFields = z.object({
  url: text,
  url_overridden_by_dest: text,
  post_hint: text,
  gallery_data: partOf(
    "gallery_data",
    z.object({ items: listOf("gallery_data", z.object({ media_id: z.string() })) }),
  ),
  media_metadata: partOf("media_metadata", z.record(z.string(), partOf("media_metadata", GalleryImage))),
  media: partOf("media", Holder),
  secure_media: partOf("secure_media", Holder),
  preview: partOf("preview", Preview),
});
type MediaFields = z.infer<typeof MediaFields>;

/**
 * What Reddit itself shows for a post: its gallery, its video or its picture; `[]` when there is none, `undefined` when
 * it cannot be read.
 */
export function readMedia(post: MediaFields): Media[] | undefined {
  const { gallery_data: gallery, media, secure_media } = post;
  if (gallery) return readGallery(gallery, post.media_metadata);
  const video = media?.reddit_video ?? secure_media?.reddit_video;
  if (video) return [toVideo(video)];
  const isLost =
    isUnread(post, "gallery_data") ||
    isUnread(post, "media") ||
    isUnread(media, "reddit_video") ||
    isUnread(secure_media, "reddit_video");
  return isLost ? undefined : readImage(post);
}

/** Whether a field that was sent could not be read. */
function isUnread<Fields extends object>(fields: Fields | null | undefined, name: keyof Fields): boolean {
  return fields != null && name in fields && fields[name] === undefined;
}

export function hasImageUrl({ url_overridden_by_dest, url }: MediaFields): boolean {
  return /^[^?#]+\.(jpe?g|png|gif|webp)([?#]|$)/i.test(url_overridden_by_dest ?? url ?? "");
}

/** Entries that failed or are still being processed have no `s` and are left out. */
function readGallery(
  { items }: NonNullable<MediaFields["gallery_data"]>,
  metadata: MediaFields["media_metadata"],
): Media[] | undefined {
  if (items === undefined || (metadata === undefined && items !== null && items.length > 0)) return undefined;
  const entries = (items ?? []).map(({ media_id }) => media_id);
  const pictures = entries.flatMap((id) => {
    const source = metadata?.[id]?.s;
    const url = source?.u ?? source?.gif;
    return source && url ? [toPicture(url, { width: source.x, height: source.y })] : [];
  });
  const isLost = entries.some((id) => isUnread(metadata, id) || isUnread(metadata?.[id], "s"));
  return pictures.length === 0 && isLost ? undefined : pictures;
}

/** The original where the post links it, else the largest preview; the preview's size is the original's. */
function readImage(post: MediaFields): Media[] | undefined {
  const preview = post.preview?.images?.[0]?.source;
  if (hasImageUrl(post)) return [toPicture(post.url_overridden_by_dest ?? post.url!, preview ?? {})];
  if (post.post_hint !== "image") return [];
  if (preview) return [toPicture(preview.url, preview)];
  return isUnread(post, "preview") || isUnread(post.preview, "images") ? undefined : [];
}

interface Size {
  width?: number | null | undefined;
  height?: number | null | undefined;
}

function toPicture(url: string, { width, height }: Size): Media {
  const type = /^[^?#]+\.gif([?#]|$)/i.test(url) ? "gif" : "image";
  return { type, url, width: width ?? null, height: height ?? null, duration_secs: null };
}

function toVideo({ fallback_url: url, width, height, duration }: z.infer<typeof RedditVideo>): Media {
  return {
    type: "video",
    url,
    width: width ?? null,
    height: height ?? null,
    duration_secs: duration ?? null,
  };
}
