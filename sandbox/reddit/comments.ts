import { between, draws, pick, unit } from "../random.ts";
import { accountName } from "./names.ts";
import { commentAgeSecs, commentsAt, postCreatedUtc, ripeness } from "./post-numbers.ts";
import { SENTENCES } from "./words.ts";
import { accountState } from "./users.ts";
import {
  ASPECT,
  COMMENTS_PER_POST,
  type Place,
  type World,
  authorIndex,
  commentAuthorIndex,
  commentId,
  postId,
  userId,
} from "./world.ts";

export interface Comment {
  place: Place;
  /** Of its post. */
  ordinal: number;
  /** Counted from 0 in order of time. */
  number: number;
  /** Without `t1_`. */
  id: string;
  /** Fullname of the post or comment that it answers. */
  parentName: string;
  /** 0 for answers to the post. */
  depth: number;
  createdUtc: number;
  /** `null` when the account or the comment was deleted. */
  author: { name: string; id: string } | null;
  body: string;
  score: number;
  edited: number | false;
  isSubmitter: boolean;
  distinguished: "moderator" | null;
  stickied: boolean;
  controversiality: 0 | 1;
}

/** A post's comments as far as they are written, as a tree over their numbers. */
export interface CommentTree {
  count: number;
  /** Numbers of the comments that answer this one, or the post for -1. */
  repliesTo(number: number): readonly number[];
  depthOf(number: number): number;
}

/** How many comments a post has at `at`. */
export function commentCount(world: World, place: Place, ordinal: number, at: number): number {
  return commentsAt(world, place, ordinal, at - postCreatedUtc(world, place, ordinal));
}

export function commentTree(world: World, place: Place, ordinal: number, at: number): CommentTree {
  const count = commentCount(world, place, ordinal, at);
  const replies: number[][] = Array.from({ length: count + 1 }, () => []);
  const depths = new Uint16Array(count);
  for (let number = 0; number < count; number++) {
    const parent = parentNumber(world, place, ordinal, number);
    replies[parent + 1]!.push(number);
    depths[number] = parent < 0 ? 0 : depths[parent]! + 1;
  }
  return { count, repliesTo: (number) => replies[number + 1]!, depthOf: (number) => depths[number]! };
}

export function commentCreatedUtc(world: World, place: Place, ordinal: number, number: number): number {
  return postCreatedUtc(world, place, ordinal) + commentAgeSecs(world, place, ordinal, number);
}

export function commentAt(world: World, place: Place, ordinal: number, number: number, at: number): Comment {
  const draw = draws(world.seed, ASPECT.comment, place.index, ordinal * COMMENTS_PER_POST + number);
  const createdUtc = commentCreatedUtc(world, place, ordinal, number);
  const user = commentAuthorIndex(world, place.index, ordinal, number);
  const fate = commentFate(world, place, ordinal, number);
  const editedUtc = createdUtc + between(draw, 60, 9000);
  const parent = parentNumber(world, place, ordinal, number);
  const text = Array.from({ length: between(draw, 1, 3) }, () => pick(draw, SENTENCES)).join(
    draw() < 0.3 ? "\n\n" : " ",
  );
  const stickied = number === 0 && draw() < 0.1;
  return {
    place,
    ordinal,
    number,
    id: commentId(place.index, ordinal, number),
    parentName:
      parent < 0 ? `t3_${postId(place.index, ordinal)}` : `t1_${commentId(place.index, ordinal, parent)}`,
    depth: depthOf(world, place, ordinal, number),
    createdUtc,
    author:
      fate || accountState(world, user) === "deleted"
        ? null
        : { name: accountName(world.seed, user), id: userId(user) },
    body: fate ? `[${fate}]` : text,
    score: commentScore(world, place, ordinal, number, at),
    edited: draw() < 0.08 && !fate && editedUtc <= at ? editedUtc : false,
    isSubmitter: user === authorIndex(world, place.index, ordinal),
    distinguished: stickied ? "moderator" : null,
    stickied,
    controversiality: draw() < 0.03 ? 1 : 0,
  };
}

/** Whose words are gone, and by whom; `null` for most. */
export function commentFate(
  world: World,
  place: Place,
  ordinal: number,
  number: number,
): "deleted" | "removed" | null {
  const u = unit(world.seed, ASPECT.fate, place.index, -1 - ordinal * COMMENTS_PER_POST - number);
  if (u < 0.03) return "deleted";
  return u < 0.06 ? "removed" : null;
}

/** Some are below zero. */
export function commentScore(
  world: World,
  place: Place,
  ordinal: number,
  number: number,
  at: number,
): number {
  const u = unit(world.seed, ASPECT.score, place.index, -1 - ordinal * COMMENTS_PER_POST - number) + 1e-6;
  return (
    1 + Math.floor((u ** -0.8 - 1.4) * 3 * ripeness(at - commentCreatedUtc(world, place, ordinal, number)))
  );
}

function depthOf(world: World, place: Place, ordinal: number, number: number): number {
  const parent = parentNumber(world, place, ordinal, number);
  return parent < 0 ? 0 : 1 + depthOf(world, place, ordinal, parent);
}

/** The earlier comment that it answers, or -1 for the post. Every fourth answers the last word, so that chains grow. */
function parentNumber(world: World, place: Place, ordinal: number, number: number): number {
  const u = unit(world.seed, ASPECT.commentParent, place.index, ordinal * COMMENTS_PER_POST + number);
  if (u < 0.35) return -1;
  return u < 0.6 ? number - 1 : Math.floor(((u - 0.6) / 0.4) * number) - (number === 0 ? 1 : 0);
}
