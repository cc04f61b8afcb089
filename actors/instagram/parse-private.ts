import { z } from "zod";
import { count, flag, lenient, text, time } from "../../shared/parse/fields.ts";
import { readShape } from "../../shared/parse/shape.ts";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import type { Audio, Medium, Person, Place } from "./items.ts";
import { idOfShortcode, knownCount, readLikes, type SeenMedia } from "./media.ts";
import type { ListName } from "./parse-list.ts";

/** An id sent as text, or as a number that JavaScript holds exactly; larger ones come as texts. */
export const Id = z
  .union([z.string().regex(/^\d+$/), z.int().transform(String)])
  .nullish()
  .catch(undefined);

const Picture = z.object({ url: z.string(), width: count, height: count });
const Pictures = lenient(z.object({ candidates: lenient(z.array(Picture)) }));

/** `pk` may be a number that was rounded on its way, the others never are. */
const Account = z.object({ pk_id: Id, id: Id, pk: Id, username: text });

const Child = z.object({
  media_type: count,
  original_width: count,
  original_height: count,
  accessibility_caption: text,
  image_versions2: Pictures,
  video_versions: lenient(z.array(Picture)),
  video_duration: count,
});

const MusicInfo = lenient(
  z.object({
    music_asset_info: lenient(
      z.object({ audio_cluster_id: Id, audio_asset_id: Id, id: Id, title: text, display_artist: text }),
    ),
  }),
);

/** Fields of a medium in Instagram's private API, which the data API and the web's newer queries pass on. */
const Media = Child.extend({
  // `{media}_{user}`. A numeric `pk` may have been rounded on its way.
  id: text,
  pk: lenient(z.union([z.string(), z.number()])),
  code: text,
  taken_at: time,
  product_type: text,
  user: lenient(Account),
  caption: lenient(z.union([z.string(), z.object({ text })])),
  like_count: count,
  comment_count: count,
  like_and_view_counts_disabled: flag,
  comments_disabled: flag,
  is_paid_partnership: flag,
  timeline_pinned_user_ids: lenient(z.array(z.unknown())),
  clips_tab_pinned_user_ids: lenient(z.array(z.unknown())),
  is_pinned: flag,
  carousel_media: lenient(z.array(Child)),
  carousel_media_count: count,
  play_count: count,
  ig_play_count: count,
  view_count: count,
  video_view_count: count,
  has_audio: flag,
  reshare_count: count,
  media_repost_count: count,
  coauthor_producers: lenient(z.array(Account)),
  usertags: lenient(z.object({ in: lenient(z.array(z.object({ user: Account }))) })),
  sponsor_tags: lenient(z.array(z.object({ sponsor: lenient(Account) }).and(Account))),
  location: lenient(z.object({ pk: Id, id: Id, name: text, lat: count, lng: count })),
  clips_metadata: lenient(
    z.object({
      music_info: MusicInfo,
      original_sound_info: lenient(
        z.object({
          audio_asset_id: Id,
          original_audio_title: text,
          ig_artist: lenient(z.object({ username: text })),
        }),
      ),
    }),
  ),
  music_metadata: lenient(z.object({ music_info: MusicInfo })),
});
type Media = z.infer<typeof Media>;

/**
 * One medium of `feed/user`, `clips/user` or an `xdt_api__v1__` connection.
 * @throws {UnexpectedShapeError} when nothing tells its id exactly
 */
export function readPrivateMedia(value: unknown, list: ListName): SeenMedia {
  const media = readShape(Media, value, "a medium");
  const { media_type } = media;
  const isVideo = media_type === 2;
  // What there is none of is left out of a whole medium; a stub leaves out what there is.
  const isWhole = media.taken_at != null;
  const none = <Value>(nothing: Value) => (isWhole ? nothing : undefined);
  const thumbnail = largest(media.image_versions2?.candidates);
  return {
    media_id: exactId(media),
    shortcode: media.code ?? null,
    ig_user_id: /^\d+_(\d+)$/.exec(media.id ?? "")?.[1] ?? idOf(media.user),
    product_type: media.product_type,
    media_type: media_type === 1 || media_type === 2 || media_type === 8 ? media_type : undefined,
    taken_at: media.taken_at ?? undefined,
    caption_text:
      typeof media.caption === "object" ? (media.caption?.text ?? null) : (media.caption ?? none(null)),
    likes: readLikes(media.like_count, media.like_and_view_counts_disabled),
    comment_count: knownCount(media.comment_count),
    comments_disabled: media.comments_disabled ?? none(false),
    thumbnail_url: media.image_versions2 === undefined ? undefined : (thumbnail?.url ?? null),
    is_paid_partnership: media.is_paid_partnership ?? none(false),
    is_pinned: readPinned(media, list),
    carousel_media_count:
      media_type === 8 ? (media.carousel_media_count ?? media.carousel_media?.length) : null,
    original_width: media.original_width,
    original_height: media.original_height,
    accessibility_caption: media.accessibility_caption,
    play_count: knownCount(media.play_count),
    ig_play_count: knownCount(media.ig_play_count),
    view_count: knownCount(media.view_count ?? media.video_view_count),
    video_duration: media.video_duration,
    has_audio: media.has_audio,
    video_url: isVideo ? (largest(media.video_versions)?.url ?? undefined) : undefined,
    reshare_count: media.reshare_count,
    media_repost_count: media.media_repost_count,
    media: readMedia(media),
    coauthors: readPeople(media.coauthor_producers) ?? none([]),
    tagged_users: readPeople(media.usertags?.in?.map(({ user }) => user)) ?? none([]),
    sponsor_tags: readPeople(media.sponsor_tags?.map((tag) => tag.sponsor ?? tag)) ?? none([]),
    location: media.location ? readLocation(media.location) : none(null),
    audio: readAudio(media) ?? none(null),
  };
}

type Account = z.infer<typeof Account>;

export function idOf(account: Pick<Account, "id" | "pk_id" | "pk"> | null | undefined): string | undefined {
  return account?.pk_id ?? account?.id ?? account?.pk ?? undefined;
}

/** Entries that name nobody are left out. */
function readPeople(accounts: readonly Account[] | null | undefined): Person[] | undefined {
  return accounts?.flatMap((account) => {
    const ig_user_id = idOf(account);
    return ig_user_id ? [{ ig_user_id, username: account.username ?? null }] : [];
  });
}

function exactId({ id, code, pk }: Media): string {
  const exact = /^\d+/.exec(id ?? "")?.[0] ?? (code ? idOfShortcode(code) : null);
  if (exact) return exact;
  if (typeof pk === "string" && /^\d+$/.test(pk)) return pk;
  throw new UnexpectedShapeError("not a medium: id: expected {media}_{user}, and there is no code");
}

/** A medium may be pinned in one list and not in the other. */
function readPinned(media: Media, list: ListName): boolean | undefined {
  const { timeline_pinned_user_ids: grid, clips_tab_pinned_user_ids: tab, is_pinned } = media;
  const ids = list === "posts" ? (grid ?? tab) : (tab ?? grid);
  return ids ? ids.length > 0 : (is_pinned ?? undefined);
}

/** Children of a carousel, else the one picture or video; `undefined` where the source shows neither. */
function readMedia(media: Media): Medium[] | undefined {
  const children = media.carousel_media ?? [media];
  const read = children.flatMap((child) => readChild(child) ?? []);
  return read.length > 0 || media.carousel_media ? read : undefined;
}

function readChild(child: z.infer<typeof Child>): Medium | null {
  const video = child.media_type === 2 ? largest(child.video_versions) : undefined;
  const shown = video ?? largest(child.image_versions2?.candidates);
  if (!shown) return null;
  return {
    type: video ? "video" : "image",
    url: shown.url,
    width: shown.width ?? child.original_width ?? null,
    height: shown.height ?? child.original_height ?? null,
    duration_secs: video ? (child.video_duration ?? null) : null,
    accessibility_caption: child.accessibility_caption ?? null,
  };
}

/** The first among equals. */
function largest(pictures: readonly z.infer<typeof Picture>[] | null | undefined) {
  const area = ({ width, height }: z.infer<typeof Picture>) => (width ?? 0) * (height ?? 0);
  return pictures?.reduce<z.infer<typeof Picture> | undefined>(
    (best, next) => (best && area(best) >= area(next) ? best : next),
    undefined,
  );
}

function readLocation({ pk, id, name, lat, lng }: NonNullable<Media["location"]>): Place {
  return { id: pk ?? id ?? null, name: name ?? null, lat: lat ?? null, lng: lng ?? null };
}

function readAudio({ clips_metadata, music_metadata }: Media): Audio | null {
  const music = clips_metadata?.music_info?.music_asset_info ?? music_metadata?.music_info?.music_asset_info;
  if (music)
    return {
      id: music.audio_cluster_id ?? music.audio_asset_id ?? music.id ?? null,
      title: music.title ?? null,
      artist: music.display_artist ?? null,
      is_original: false,
    };
  const own = clips_metadata?.original_sound_info;
  if (!own) return null;
  return {
    id: own.audio_asset_id ?? null,
    title: own.original_audio_title ?? null,
    artist: own.ig_artist?.username ?? null,
    is_original: true,
  };
}
