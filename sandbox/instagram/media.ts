import { type Draw, between, draws, pick, unit } from "../random.ts";
import { type Caption, drawCaption } from "./captions.ts";
import { MAX_MEDIA, mediaId, shortcodeOf } from "./media-ids.ts";
import { ASPECT, type Creator, type InstagramWorld, firstMediaCount, firstName } from "./world.ts";

/** `video` is the old kind, in the feed only; a reel may be kept out of the feed. */
export type MediumForm = "photo" | "carousel" | "video" | "reel";

/** A picture or a video, alone or within a carousel. */
export interface Frame {
  id: string;
  isVideo: boolean;
  width: number;
  height: number;
  durationSecs: number | null;
  caption: string | null;
  /** Of the picture, and of the video if it is one; without the world's `baseUrl`. */
  picturePath: string;
  videoPath: string | null;
}

export interface Person {
  id: string;
  username: string;
  fullName: string;
}

export interface Medium {
  creator: Creator;
  ordinal: number;
  id: string;
  shortcode: string;
  form: MediumForm;
  takenAt: number;
  caption: Caption | null;
  /** The first child of a carousel. */
  cover: Frame;
  /** Of a carousel; empty for all others. */
  children: Frame[];
  /** As everybody would count them. */
  likes: number;
  comments: number;
  /** How the site shows the likes. */
  likeDisplay: LikeDisplay;
  /** `null` for photos and carousels: they have none. */
  plays: Plays | null;
  reshares: number;
  reposts: number;
  hasAudio: boolean;
  commentsDisabled: boolean;
  isPaidPartnership: boolean;
  sponsors: Person[];
  coauthors: Person[];
  tagged: Person[];
  location: Place | null;
  audio: Audio | null;
}

/**
 * `shown`; with the flag that says they are hidden, and −1 or 3 in their place; or without that flag, −1 or 3 all
 * the same.
 */
export type LikeDisplay = "shown" | "flag_negative" | "flag_three" | "negative" | "three";

export interface Plays {
  /** On Instagram and Facebook together; `null` where the site leaves it out. */
  playCount: number | null;
  igPlayCount: number;
  /** The older counter, of those who watched three seconds. */
  viewCount: number;
}

export interface Place {
  id: string;
  name: string;
  slug: string;
  city: string;
  lat: number;
  lng: number;
}

export interface Audio {
  kind: "music" | "original";
  id: string;
  title: string;
  artist: string;
}

const DAY = 86_400;
const SIZES = [
  [1080, 1080],
  [1080, 1350],
  [1440, 1800],
  [1080, 566],
] as const;
const PLACES: readonly Place[] = [
  {
    id: "213385402",
    name: "Berlin, Germany",
    slug: "berlin-germany",
    city: "Berlin",
    lat: 52.5167,
    lng: 13.3833,
  },
  { id: "260187561", name: "東京 Tokyo, Japan", slug: "tokyo-japan", city: "", lat: 35.6895, lng: 139.6917 },
  { id: "1026735962", name: "Café “Zürich”", slug: "cafe-zurich", city: "Zürich", lat: 47.3667, lng: -8.55 },
];
const SONGS = [
  ["Espresso (Sped Up)", "Sabrina & the Badgers"],
  ["夜に駆ける", "ヨル"],
  ["Nocturne No. 2", "F. Chopin"],
] as const;

/** How many media a creator has had until `at`. */
export function mediaCount(world: InstagramWorld, index: number, at: number): number {
  const first = firstMediaCount(world, index);
  if (first === 0 || world.growth === 0 || at <= world.startAt) return first;
  const added = Math.floor(((at - world.startAt) * world.growth) / intervalSecs(world, index));
  return Math.min(MAX_MEDIA, first + added);
}

/** Unix seconds: later ordinals are newer. */
export function takenAt(world: InstagramWorld, index: number, ordinal: number): number {
  const first = firstMediaCount(world, index);
  const interval = intervalSecs(world, index);
  const jitter = unit(world.seed, ASPECT.time, index, ordinal) * 0.9;
  if (ordinal >= first) {
    // Counted as soon as it is there: never after its turn.
    return Math.floor(world.startAt + ((ordinal - first + jitter) * interval) / (world.growth || 1));
  }
  return Math.floor(world.startAt - (first - ordinal - jitter) * interval);
}

export function mediumAt(world: InstagramWorld, creator: Creator, ordinal: number, at: number): Medium {
  const draw = draws(world.seed, ASPECT.media, creator.index, ordinal + 1);
  const taken = takenAt(world, creator.index, ordinal);
  const id = mediaId(taken, creator.index, ordinal);
  const form = formOf(world, creator.index, ordinal);
  const isVideo = form === "reel" || form === "video";
  const children = form === "carousel" ? drawChildren(draw, id) : [];
  const cover = children[0] ?? drawFrame(draw, { id, isVideo, isTall: form === "reel" });
  const numbers = numbersAt(world, creator, { ordinal, ageSecs: at - taken });
  const others = Array.from({ length: 6 }, () => person(world, between(draw, 0, 999)));
  const someOf = (share: number, max: number): Person[] =>
    draw() < share ? others.slice(0, between(draw, 1, max)) : [];
  const sponsors = draw() < 0.05 ? others.slice(5) : [];
  const likeDisplay = likeDisplayOf(world, creator.index, ordinal);
  return {
    creator,
    ordinal,
    id,
    shortcode: shortcodeOf(id),
    form,
    takenAt: taken,
    caption: drawCaption(
      draw,
      others.map((other) => other.username),
    ),
    cover,
    children,
    likes: numbers.likes,
    comments: numbers.comments,
    likeDisplay,
    plays: isVideo ? playsOf(world, creator.index, { ordinal, likes: numbers.likes }) : null,
    reshares: Math.floor(numbers.likes * 0.08),
    reposts: Math.floor(numbers.likes * 0.01),
    hasAudio: isVideo && draw() < 0.9,
    commentsDisabled: draw() < 0.03,
    isPaidPartnership: sponsors.length > 0,
    sponsors,
    coauthors: someOf(0.1, 2),
    tagged: someOf(0.25, 5),
    location: draw() < 0.3 ? pick(draw, PLACES) : null,
    audio: form === "reel" ? drawAudio(draw, creator, id) : null,
  };
}

/** Known without the rest of the medium: feeds are put together from it. */
export function formOf(world: InstagramWorld, index: number, ordinal: number): MediumForm {
  const u = unit(world.seed, ASPECT.media, index, -ordinal - 1);
  if (u < 0.4) return "reel";
  if (u < 0.65) return "photo";
  return u < 0.93 ? "carousel" : "video";
}

/** Whether the site says in words that the likes are hidden. */
export function hasHiddenFlag({ likeDisplay }: Medium): boolean {
  return likeDisplay === "flag_negative" || likeDisplay === "flag_three";
}

/** As the site sends it. */
export function sentLikes({ likeDisplay, likes }: Medium): number {
  if (likeDisplay === "shown") return likes;
  return likeDisplay === "flag_negative" || likeDisplay === "negative" ? -1 : 3;
}

export function person(world: InstagramWorld, index: number): Person {
  return {
    id: String(44_000_000 + index * 104_729),
    username: firstName(index),
    fullName: index % 3 === 0 ? "" : `Person № ${index}`,
  };
}

function intervalSecs(world: InstagramWorld, index: number): number {
  return DAY * (0.3 + 4 * unit(world.seed, ASPECT.time, index, -1));
}

function likeDisplayOf(world: InstagramWorld, index: number, ordinal: number): LikeDisplay {
  // One creator in twenty hides all of them, the others a few.
  if (index % 20 === 17) return ordinal % 2 === 0 ? "flag_negative" : "flag_three";
  const u = unit(world.seed, ASPECT.numbers, index, -ordinal - 1);
  if (u < 0.02) return "flag_negative";
  if (u < 0.04) return "flag_three";
  if (u < 0.06) return "negative";
  return u < 0.08 ? "three" : "shown";
}

function numbersAt(
  world: InstagramWorld,
  { index, followers }: Creator,
  { ordinal, ageSecs }: { ordinal: number; ageSecs: number },
): { likes: number; comments: number } {
  const u = unit(world.seed, ASPECT.numbers, index, ordinal + 1);
  // Every so often one goes round the world.
  const luck = u > 0.96 ? 20 : 0.2 + u;
  const ripe = 1 - Math.exp(-Math.max(0, ageSecs) / (1.5 * DAY));
  const likes = Math.floor(followers * 0.04 * luck * ripe);
  return {
    likes,
    comments: Math.floor(likes * (0.005 + 0.04 * unit(world.seed, ASPECT.numbers, index, ordinal + 5000))),
  };
}

function playsOf(
  world: InstagramWorld,
  index: number,
  { ordinal, likes }: { ordinal: number; likes: number },
): Plays {
  const u = unit(world.seed, ASPECT.numbers, index, ordinal + 10_000);
  const igPlayCount = Math.floor(likes * (8 + 30 * u));
  const isWhole = u < 0.93;
  return {
    playCount: isWhole ? igPlayCount + Math.floor(likes * 2 * u) : null,
    igPlayCount,
    viewCount: Math.floor(igPlayCount * 0.29),
  };
}

function drawFrame(
  draw: Draw,
  { id, isVideo, isTall }: { id: string; isVideo: boolean; isTall: boolean },
): Frame {
  const [width, height] = isTall ? [720, 1280] : pick(draw, SIZES);
  const stem = `${between(draw, 100_000_000, 499_999_999)}_${id.slice(-12)}`;
  return {
    id,
    isVideo,
    width,
    height,
    durationSecs: isVideo ? between(draw, 3000, 90_000) / 1000 : null,
    caption:
      !isVideo && draw() < 0.6
        ? "Photo by someone. May be an image of 1 person & text that says “b9”."
        : null,
    picturePath: `/v/t51.2885-15/${stem}_n.jpg`,
    videoPath: isVideo ? `/v/t50.2886-16/${stem}_n.mp4` : null,
  };
}

function drawChildren(draw: Draw, parentId: string): Frame[] {
  return Array.from({ length: between(draw, 2, 10) }, (_, i) =>
    drawFrame(draw, {
      id: String(BigInt(parentId) - BigInt((i + 1) * 2 ** 23)),
      isVideo: draw() < 0.25,
      isTall: false,
    }),
  );
}

function drawAudio(draw: Draw, creator: Creator, id: string): Audio {
  const [title, artist] = pick(draw, SONGS);
  return draw() < 0.4
    ? { kind: "music", id: `1812250485${between(draw, 1_000_000, 9_999_999)}`, title, artist }
    : { kind: "original", id: String(BigInt(id) / 1000n), title: "Original audio", artist: creator.username };
}
