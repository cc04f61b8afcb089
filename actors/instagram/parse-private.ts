import { z } from "zod";
import { count, extent, flag, fromTold, lenient, text, time, told } from "../../shared/parse/fields.ts";
import { listOf, partOf, skipPart } from "../../shared/parse/parts.ts";
import { readShape } from "../../shared/parse/shape.ts";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import type { Audio, Medium, Person, Place } from "./items.ts";
import { idOfShortcode, knownCount, readLikes, type SeenMedia, viewCount, wasSeen } from "./media.ts";
import type { ListName } from "./parse-list.ts";

/** An id sent as text, or as a number that JavaScript holds exactly; larger ones come as texts. */
export const Id = z
  .union([z.string().regex(/^\d+$/), z.int().transform(String)])
  .nullish()
  .catch(undefined);

const Picture = z.object({ url: z.string(), width: extent, height: extent });
const Pictures = partOf("image_versions2", z.object({ candidates: listOf("candidates", Picture) }));

/** `pk` may be a number that was rounded on its way, the others never are. */
const Account = z.object({ pk_id: Id, id: Id, pk: Id, username: text });
type Account = z.infer<typeof Account>;

/** Somebody in a list of people: an entry that names nobody cannot be read. */
export const PersonEntry = Account.transform((account, { addIssue }): Person => {
  const ig_user_id = idOf(account);
  if (ig_user_id !== undefined) return { ig_user_id, username: account.username ?? null };
  addIssue({ code: "custom", path: ["id"], message: "expected an id" });
  return z.NEVER;
});

const Child = z.object({
  media_type: lenient(z.literal([1, 2, 8])),
  original_width: extent,
  original_height: extent,
  accessibility_caption: text,
  image_versions2: Pictures,
  video_versions: listOf("video_versions", Picture),
  video_duration: extent,
});
type Child = z.infer<typeof Child>;

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
  caption: partOf(
    "caption",
    z.union([z.string().transform((words) => ({ text: words })), z.object({ text })]),
  ),
  like_count: count,
  comment_count: count,
  like_and_view_counts_disabled: flag,
  comments_disabled: flag,
  is_paid_partnership: flag,
  timeline_pinned_user_ids: lenient(z.array(z.unknown())),
  clips_tab_pinned_user_ids: lenient(z.array(z.unknown())),
  is_pinned: flag,
  carousel_media: listOf("carousel_media", Child),
  carousel_media_count: extent,
  play_count: count,
  ig_play_count: count,
  view_count: count,
  video_view_count: count,
  has_audio: flag,
  reshare_count: count,
  media_repost_count: count,
  coauthor_producers: listOf("coauthor_producers", PersonEntry),
  usertags: partOf(
    "usertags",
    z.object({
      in: listOf(
        "usertags",
        z.object({ user: PersonEntry }).transform(({ user }) => user),
      ),
    }),
  ),
  sponsor_tags: listOf(
    "sponsor_tags",
    z.union([z.object({ sponsor: PersonEntry }).transform(({ sponsor }) => sponsor), PersonEntry]),
  ),
  location: partOf("location", z.object({ pk: Id, id: Id, name: text, lat: count, lng: count })),
  clips_metadata: partOf(
    "clips_metadata",
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
  music_metadata: partOf("music_metadata", z.object({ music_info: MusicInfo })),
});
type Media = z.infer<typeof Media>;

/**
 * One medium of `feed/user`, `clips/user` or an `xdt_api__v1__` connection.
 * @throws {UnexpectedShapeError} when nothing tells its id exactly
 */
export function readPrivateMedia(value: unknown, list: ListName): SeenMedia {
  const media = readShape(Media, value, "a medium");
  const { media_type } = media;
  const isSent = (name: keyof Media) => name in (value as object);
  // What there is none of is left out of a whole medium; a stub leaves out what there is.
  const isLeftOut = (name: keyof Media) => media.taken_at != null && !isSent(name);
  const orNone = <Value, None>(name: keyof Media, read: Value, none: None) =>
    read === undefined && isLeftOut(name) ? none : read;
  const likes = readLikes(media.like_count, media.like_and_view_counts_disabled);
  const comment_count = knownCount(media.comment_count);
  const isSeen = wasSeen(likes, [comment_count, media.reshare_count, media.media_repost_count]);
  const hasNoAudio =
    (media.clips_metadata !== undefined || isLeftOut("clips_metadata")) &&
    (media.music_metadata !== undefined || !isSent("music_metadata"));
  return {
    media_id: exactId(media),
    shortcode: media.code,
    ig_user_id: /^\d+_(\d+)$/.exec(media.id ?? "")?.[1] ?? idOf(media.user),
    product_type: media.product_type,
    media_type,
    taken_at: media.taken_at ?? undefined,
    caption_text: orNone(
      "caption",
      fromTold(media.caption, (caption) => caption.text),
      null,
    ),
    likes,
    comment_count,
    comments_disabled: orNone("comments_disabled", media.comments_disabled, false),
    thumbnail_url: fromTold(media.image_versions2, ({ candidates }) => urlOf(candidates)),
    is_paid_partnership: orNone("is_paid_partnership", media.is_paid_partnership, false),
    is_pinned: readPinned(media, list),
    carousel_media_count:
      media_type === 8
        ? told(media.carousel_media_count, countOf(Reflect.get(value as object, "carousel_media")))
        : fromTold(media_type, () => null),
    original_width: media.original_width,
    original_height: media.original_height,
    accessibility_caption: media.accessibility_caption,
    play_count: viewCount(media.play_count, isSeen),
    ig_play_count: viewCount(media.ig_play_count, isSeen),
    view_count: told(viewCount(media.view_count, isSeen), viewCount(media.video_view_count, isSeen)),
    video_duration: media.video_duration,
    has_audio: media.has_audio,
    video_url: media_type === 2 ? urlOf(media.video_versions) : undefined,
    reshare_count: knownCount(media.reshare_count),
    media_repost_count: knownCount(media.media_repost_count),
    media: isSent("carousel_media") && media.carousel_media === undefined ? undefined : readMedia(media),
    coauthors: orNone("coauthor_producers", peopleIn(media.coauthor_producers), []),
    tagged_users: orNone("usertags", peopleIn(media.usertags && media.usertags.in), []),
    sponsor_tags: orNone("sponsor_tags", peopleIn(media.sponsor_tags), []),
    location: orNone("location", fromTold(media.location, readLocation), null),
    audio: readAudio(media) ?? (hasNoAudio ? null : undefined),
  };
}

export function idOf(account: Pick<Account, "id" | "pk_id" | "pk"> | null | undefined): string | undefined {
  return account?.pk_id ?? account?.id ?? account?.pk ?? undefined;
}

/** Of people, `null` is nobody. */
export function peopleIn(people: Person[] | null | undefined): Person[] | undefined {
  return people === null ? [] : people;
}

/** How many there are, those that cannot be read among them. */
export function countOf(entries: unknown): number | null | undefined {
  if (entries === null) return null;
  return Array.isArray(entries) && entries.length > 0 ? entries.length : undefined;
}

function exactId({ id, code, pk }: Media): string {
  const exact = /^\d+/.exec(id ?? "")?.[0] ?? (code ? idOfShortcode(code) : null);
  if (exact) return exact;
  if (typeof pk === "string" && /^\d+$/.test(pk)) return pk;
  throw new UnexpectedShapeError("not a medium: id: expected {media}_{user}, and there is no code");
}

/**
 * A medium may be pinned in one list and not in the other; of the other's pins it is only told where the list's own
 * are left out.
 */
function readPinned(media: Media, list: ListName): boolean | undefined {
  const { timeline_pinned_user_ids: grid, clips_tab_pinned_user_ids: tab, is_pinned } = media;
  const [own, other] = list === "posts" ? [grid, tab] : [tab, grid];
  const ids = own === undefined ? other : own;
  return ids ? ids.length > 0 : (is_pinned ?? undefined);
}

/** Children of a carousel, else the one picture or video; `undefined` where the source shows neither. */
function readMedia(media: Media): Medium[] | undefined {
  if (media.carousel_media) return readChildren(media.carousel_media, readChild);
  const only = readChild(media);
  if (only) return [only];
  return media.image_versions2 === null ? [] : undefined;
}

/** A child that shows nothing does not lose its neighbours. */
export function readChildren<Child>(
  children: readonly Child[],
  read: (child: Child) => Medium | null,
): Medium[] | undefined {
  const shown = children.map(read).filter((medium) => medium !== null);
  const lost = children.length - shown.length;
  if (lost > 0) skipPart("children", `${lost} of ${children.length} show nothing`);
  return shown.length > 0 || lost === 0 ? shown : undefined;
}

function readChild(child: Child): Medium | null {
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

type Picture = z.infer<typeof Picture>;

function urlOf(pictures: readonly Picture[] | null | undefined): string | null | undefined {
  return fromTold(pictures, (some) => largest(some)?.url ?? null);
}

/** The first among equals. */
function largest(pictures: readonly Picture[] | null | undefined): Picture | undefined {
  const area = ({ width, height }: Picture) => (width ?? 0) * (height ?? 0);
  return pictures?.reduce<Picture | undefined>(
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
