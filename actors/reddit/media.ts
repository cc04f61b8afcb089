import { z } from "zod";
import { count, lenient, text } from "../../shared/parse/fields.ts";

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
  s: z.object({ u: text, gif: text, x: count, y: count }),
});

const RedditVideo = z.object({ fallback_url: z.string(), width: count, height: count, duration: count });

const Preview = z.object({
  images: z.array(z.object({ source: z.object({ url: z.string(), width: count, height: count }) })).min(1),
});

/** The fields of a post that its media are read from. */
export const MediaFields = z.object({
  url: text,
  url_overridden_by_dest: text,
  post_hint: text,
  gallery_data: lenient(z.object({ items: z.array(z.object({ media_id: z.string() })) })),
  media_metadata: lenient(z.record(z.string(), lenient(GalleryImage))),
  media: lenient(z.object({ reddit_video: lenient(RedditVideo) })),
  secure_media: lenient(z.object({ reddit_video: lenient(RedditVideo) })),
  preview: lenient(Preview),
});
type MediaFields = z.infer<typeof MediaFields>;

/** What Reddit itself shows for a post: its gallery, its video or its picture; `[]` when there is none. */
export function readMedia(post: MediaFields): Media[] {
  if (post.gallery_data) return readGallery(post.gallery_data.items, post.media_metadata ?? {});
  const video = post.media?.reddit_video ?? post.secure_media?.reddit_video;
  if (video) return [toVideo(video)];
  return readImage(post);
}

export function hasImageUrl({ url_overridden_by_dest, url }: MediaFields): boolean {
  return /^[^?#]+\.(jpe?g|png|gif|webp)([?#]|$)/i.test(url_overridden_by_dest ?? url ?? "");
}

/** Entries that failed or are still being processed have no `s` and are left out. */
function readGallery(
  items: { media_id: string }[],
  metadata: NonNullable<MediaFields["media_metadata"]>,
): Media[] {
  return items.flatMap(({ media_id }) => {
    const source = metadata[media_id]?.s;
    const url = source?.u ?? source?.gif;
    return source && url ? [toPicture(url, { width: source.x, height: source.y })] : [];
  });
}

/** The original where the post links it, else the largest preview; the preview's size is the original's. */
function readImage(post: MediaFields): Media[] {
  const preview = post.preview?.images[0]?.source;
  if (hasImageUrl(post)) return [toPicture(post.url_overridden_by_dest ?? post.url!, preview ?? {})];
  return preview && post.post_hint === "image" ? [toPicture(preview.url, preview)] : [];
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
