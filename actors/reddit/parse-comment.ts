import { z } from "zod";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { count, flag, text, time } from "../../shared/parse/fields.ts";
import { listOf, partOf } from "../../shared/parse/parts.ts";
import { author, edited } from "./fields.ts";
import { Listing, readThings } from "./parse-listing.ts";
import { assertSomeRead, readShape, type SkippedChild } from "../../shared/parse/shape.ts";

const Data = z.object({
  id: z.string().min(1),
  name: z.string().startsWith("t1_"),
  link_id: z.string().startsWith("t3_"),
  parent_id: text,
  subreddit: z.string().min(1),
  author,
  author_fullname: text,
  author_flair_text: text,
  body: text,
  score: count,
  score_hidden: flag,
  controversiality: count,
  created_utc: time,
  edited,
  depth: count,
  is_submitter: flag,
  stickied: flag,
  locked: flag,
  archived: flag,
  distinguished: text,
  gilded: count,
  total_awards_received: count,
  permalink: text,
  /** `""` when there are none. */
  replies: z
    .literal("")
    .transform(() => null)
    .or(partOf("replies", Listing)),
});

const More = z.object({ children: listOf("children", z.string()) });
const Tree = z.tuple([Listing, Listing]);
const MoreChildren = z.object({ json: z.object({ data: z.object({ things: z.array(z.unknown()) }) }) });

/** An item of `reddit_comments`. Field names are Reddit's where Reddit has one. */
export type Comment = ReturnType<typeof toComment>;

export interface Comments {
  /** Parents before their replies. */
  comments: Comment[];
  /** Ids of comments that the answer only counts; a stub that counts none has none. */
  moreIds: string[];
  skipped: SkippedChild[];
}

/**
 * Reads the comments of a post (`GET /comments/{id}`); the post itself comes with them, and before.
 * @throws {UnexpectedShapeError} when the body is something else
 * @see https://www.reddit.com/dev/api/#GET_comments_{article}
 */
export function parseTree(body: unknown): Comments {
  const [, tree] = readShape(Tree, body, "a post with comments");
  return parseReplies(tree.data.children);
}

/**
 * Reads `GET /api/morechildren`: comments without the tree, in its order.
 * @throws {UnexpectedShapeError} when the body is something else
 * @see https://www.reddit.com/dev/api/#GET_api_morechildren
 */
export function parseMoreChildren(body: unknown): Comments {
  return parseReplies(readShape(MoreChildren, body, "more comments").json.data.things);
}

/** @throws {UnexpectedShapeError} when the data of a t1 lacks what makes it a comment */
export function toComment(data: unknown) {
  return toItem(readShape(Data, data, "a comment"));
}

function parseReplies(things: readonly unknown[]): Comments {
  const replies = readReplies(things);
  assertSomeRead({ items: [...replies.comments, ...replies.moreIds], skipped: replies.skipped });
  return replies;
}

function readReplies(things: readonly unknown[]): Comments {
  const { items, skipped } = readThings(things, { t1: readBranch, more: readMore });
  return {
    comments: items.t1.flatMap(({ comments }) => comments),
    moreIds: [...items.t1.flatMap(({ moreIds }) => moreIds), ...items.more.flat()],
    skipped: [...skipped, ...items.t1.flatMap((branch) => branch.skipped)],
  };
}

function readBranch(data: unknown): Comments {
  const comment = readShape(Data, data, "a comment");
  const below = readReplies(comment.replies?.data.children ?? []);
  return { ...below, comments: [toItem(comment), ...below.comments] };
}

function readMore(data: unknown): string[] {
  const { children } = readShape(More, data, "a stub of more comments");
  if (!children)
    throw new UnexpectedShapeError("not a stub of more comments: children: expected a list of ids");
  return children;
}

function toItem(comment: z.infer<typeof Data>) {
  const {
    id,
    name: _name,
    link_id,
    subreddit,
    author: username,
    edited: edited_at,
    replies: _,
    ...fields
  } = comment;
  return {
    reddit_id: id,
    link_id,
    subreddit_name: subreddit,
    author_username: username,
    ...fields,
    edited_at,
  };
}
