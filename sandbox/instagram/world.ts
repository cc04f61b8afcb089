import { ADJECTIVES, NOUNS } from "../name-words.ts";
import { type Draw, between, draws, hash, pick, unit } from "../random.ts";
import { MAX_CREATORS } from "./media-ids.ts";

/**
 * Computed from its seed like the world of Reddit: `at` in its functions is the moment, in unix seconds, at which it
 * is looked at. Creators beyond `creators` exist too; they are found among those who are related.
 */
export interface InstagramWorld {
  seed: number;
  /** Those that the ground truth names, up to 5,000. */
  creators: number;
  /** How much faster than before `startAt` things happen; 0 is a world that stands still. */
  growth: number;
  startAt: number;
  /** Where pictures and videos are, and where its pages link to; absolute, without a closing slash. */
  baseUrl: string;
}

/**
 * `gated`: a country or an age that the account asks for, told in the account itself, with counts of nought;
 * `age_restricted`: a page says so instead of the account. `login_required`: the web shows it to nobody, the data
 * API does.
 */
export type CreatorState = "ok" | "private" | "age_restricted" | "gated" | "missing" | "login_required";

export interface Creator {
  index: number;
  /** Beyond 2^53 for every fifth. */
  id: string;
  /** At the moment of looking. */
  username: string;
  /** Earlier ones, which are nobody's now. */
  previousUsernames: string[];
  state: CreatorState;
  fullName: string;
  biography: string;
  links: { title: string; url: string }[];
  isVerified: boolean;
  isBusiness: boolean;
  isProfessional: boolean;
  isJoinedRecently: boolean;
  category: string | null;
  highlights: number;
  fbid: string;
  followers: number;
  following: number;
  picturePath: string;
}

/** Coordinates of the seed's hash: one a kind of fact, none that the world of Reddit uses. */
export const ASPECT = {
  creator: 101,
  media: 102,
  time: 103,
  numbers: 104,
  related: 105,
  limits: 106,
} as const;

const DAY = 86_400;
/** Of every twenty creators these are special; the default world has one of each. */
const STATES: Record<number, CreatorState> = {
  3: "private",
  7: "age_restricted",
  9: "gated",
  13: "missing",
  15: "login_required",
};
const [EMPTY, RENAMED, SMALL] = [5, 11, 19];
/** How long after the start the renamed ones change their name, virtual seconds of a world that grows. */
const RENAMED_AFTER_SECS = DAY;
const FULL_NAMES = [
  "Noor | Travel ✈️",
  "Café Löwe",
  "写真家 ゆき",
  "Мария",
  "김하늘 🌸",
  "",
  "“Big” Tom & Co.",
  "ليلى",
  "D͟a͟n͟i͟",
] as const;
const BIOGRAPHIES = [
  "📍 Berlin\n🎥 Filmmaker & dad\n✉️ hello@example.com",
  "",
  "She/her · coffee ☕️ · @quiet.otter.0 is my other half #coffee",
  "旅と写真\nお仕事の依頼はDMまで",
  "Coach <3 “No excuses”",
] as const;
const CATEGORIES = ["Artist", "Digital creator", "Athlete", "Photographer", "Personal blog"] as const;

/** The moment up to which things have happened: in a still world the same for ever. */
export function contentTime(world: InstagramWorld, virtualNow: number): number {
  return world.growth > 0 ? Math.floor(virtualNow) : world.startAt;
}

/** Days since the start, times the speed of growth. */
export function grownDays(world: InstagramWorld, at: number): number {
  return (Math.max(0, at - world.startAt) / DAY) * world.growth;
}

export function creatorAt(world: InstagramWorld, index: number, at: number): Creator {
  const draw = draws(world.seed, ASPECT.creator, index);
  const names = namesAt(world, index, at);
  const isProfessional = draw() < 0.7;
  const state = creatorState(index);
  const reach = draw();
  return {
    index,
    id: creatorId(index),
    username: names.at(-1)!,
    previousUsernames: names.slice(0, -1),
    state,
    fullName: pick(draw, FULL_NAMES),
    biography: pick(draw, BIOGRAPHIES),
    links: drawLinks(draw),
    isVerified: draw() < 0.2,
    isBusiness: isProfessional && draw() < 0.5,
    isProfessional,
    isJoinedRecently: draw() < 0.05,
    category: isProfessional ? pick(draw, CATEGORIES) : null,
    highlights: between(draw, 0, 30),
    fbid: String(17_841_400_000_000_000n + BigInt(hash(world.seed, ASPECT.creator, index, 1))),
    followers: followersAt(world, { index, reach }, at),
    following: between(draw, 0, 7000),
    picturePath: `/v/t51.2885-19/${hash(world.seed, ASPECT.creator, index, 2)}_${index}_n.jpg`,
  };
}

/** By any case, with the name it has at `at`; `null` for nobody, also for a name that was given up. */
export function creatorByName(world: InstagramWorld, name: string, at: number): Creator | null {
  return present(accountByName(world, name, at));
}

export function creatorById(world: InstagramWorld, id: string, at: number): Creator | null {
  return present(accountById(world, id, at));
}

/** By name or id, those who are missing too. */
export function anyCreator(world: InstagramWorld, key: string, at: number): Creator | null {
  return accountByName(world, key, at) ?? accountById(world, key, at);
}

export function creatorState(index: number): CreatorState {
  return STATES[index % 20] ?? "ok";
}

/** Whether the site shows more than the account itself to those who get as far as that. */
export function showsMedia({ state }: Creator): boolean {
  return state === "ok" || state === "login_required";
}

/** Media at `startAt`. */
export function firstMediaCount(world: InstagramWorld, index: number): number {
  if (index === 0) return 260;
  if (index % 20 === EMPTY) return 0;
  if (index % 20 === SMALL) return 3;
  return 10 + Math.floor(unit(world.seed, ASPECT.media, index) ** 2 * 150);
}

/** Others whom the site shows beside a creator, in order; 80, or none for every eighth. */
export function relatedIndexes(world: InstagramWorld, index: number): number[] {
  if (index % 8 === 6) return [];
  const offset = hash(world.seed, ASPECT.related, index) % 97;
  return Array.from(
    { length: 80 },
    (_, rank) => (index + 1 + ((rank * 97 + offset) % (MAX_CREATORS - 1))) % MAX_CREATORS,
  );
}

/** Lower case, 5 to 20 signs of those that Instagram allows. */
export function firstName(index: number): string {
  const adjective = ADJECTIVES[index % ADJECTIVES.length]!.toLowerCase();
  const noun = NOUNS[Math.floor(index / ADJECTIVES.length) % NOUNS.length]!.toLowerCase();
  switch (index % 4) {
    case 0:
      return `${adjective}.${noun}.${index}`;
    case 1:
      return `${adjective}_${noun}${index}`;
    case 2:
      return `${noun}${adjective}${index}`;
    default:
      return `_${noun}_${index}`;
  }
}

const ID_BASES = [3_171_067n, 9_107_199_254_740_993_117n];
const ID_STEP = 7_919n;

function creatorId(index: number): string {
  return String(ID_BASES[index % 5 === 2 ? 1 : 0]! + BigInt(index) * ID_STEP);
}

function present(creator: Creator | null): Creator | null {
  return creator?.state === "missing" ? null : creator;
}

function accountByName(world: InstagramWorld, name: string, at: number): Creator | null {
  const index = Number(/(\d{1,5})$/.exec(name)?.[1] ?? Number.NaN);
  if (!(index < MAX_CREATORS)) return null;
  const creator = creatorAt(world, index, at);
  return creator.username === name.toLowerCase() ? creator : null;
}

function accountById(world: InstagramWorld, id: string, at: number): Creator | null {
  if (!/^\d{1,20}$/.test(id)) return null;
  for (const base of ID_BASES) {
    const index = Number((BigInt(id) - base) / ID_STEP);
    if (index >= 0 && index < MAX_CREATORS && creatorId(index) === id) return creatorAt(world, index, at);
  }
  return null;
}

/** Oldest first, the last one valid. */
function namesAt(world: InstagramWorld, index: number, at: number): string[] {
  const first = firstName(index);
  const isRenamed = index % 20 === RENAMED && world.growth > 0 && at >= world.startAt + RENAMED_AFTER_SECS;
  return isRenamed ? [first, `the.real.${index}`] : [first];
}

/** From dozens to millions; up to half a percent a day more, or less for every seventh. */
function followersAt(
  world: InstagramWorld,
  { index, reach }: { index: number; reach: number },
  at: number,
): number {
  const daily = (index % 7 === 4 ? -0.2 : 1) * (0.0005 + 0.0045 * unit(world.seed, ASPECT.numbers, index));
  return Math.floor(40 * 10 ** (reach * 5.5) * (1 + daily) ** grownDays(world, at));
}

function drawLinks(draw: Draw): Creator["links"] {
  return Array.from({ length: draw() < 0.5 ? 0 : between(draw, 1, 3) }, (_, i) => ({
    title: i === 0 ? "" : "My shöp",
    url: `https://example.com/${between(draw, 1, 9999)}?ref=ig&x=${i}`,
  }));
}
