import type { Answer } from "../answer.ts";
import { commentThing, moreThing } from "./comment-body.ts";
import { type CommentTree, commentAt, commentScore, commentTree } from "./comments.ts";
import { type Call, closedAnswer, envelope } from "./endpoint.ts";
import { sortByRank } from "./listings.ts";
import { errorAnswer, htmlAnswer, jsonAnswer } from "./pages.ts";
import { postThing } from "./post-body.ts";
import { isVisible } from "./post-numbers.ts";
import { type Post, postAt } from "./posts.ts";
import { type World, commentById, commentId, postById } from "./world.ts";

const MAX_SHOWN = 500;
const MAX_DEPTH = 10;
const MAX_CHILDREN = 100;
/** Longer ones the CDN does not pass on. */
const MAX_URL_CHARS = 8000;

/** A post with its tree, ordered, for one answer. */
interface Thread {
  world: World;
  post: Post;
  tree: CommentTree;
  sort: string;
  at: number;
}

/** `GET /comments/{id}` and `/r/{subreddit}/comments/{id}`: the post and the best of its tree, the rest as stubs. */
export function comments(call: Call, id: string, focusId: string | null): Answer {
  const thread = threadOf(call, id);
  const place = postById(call.world, id)?.place;
  if (!thread) return (place && closedAnswer(place)) ?? errorAnswer(404);
  const focus = focusId ? numberIn(thread, focusId) : null;
  if (focusId && focus === null) return errorAnswer(404);
  const roots = focus === null ? sorted(thread, -1) : [focus];
  const depth = atMost(call.query.get("depth"), MAX_DEPTH, MAX_DEPTH);
  const shown = chooseShown(thread, roots, { limit: atMost(call.query.get("limit"), 200, MAX_SHOWN), depth });
  const base = focus === null ? 0 : thread.tree.depthOf(focus);
  const replies =
    repliesListing(thread, roots, `t3_${thread.post.id}`, { shown, endDepth: base + depth, depth: base }) ??
    siblingsListing([]);
  return jsonAnswer(200, `[${envelope([postThing(call.world, thread.post)], null)},${replies}]`);
}

/** `/api/morechildren`: the comments that a stub hides, flat, each with those below it. */
export function moreChildren(call: Call): Answer {
  const children = (call.query.get("children") ?? "").split(",").filter(Boolean);
  if (call.url.length > MAX_URL_CHARS)
    return htmlAnswer(414, "Error: URI Too Long", { "content-type": "text/plain" });
  const thread = threadOf(call, (call.query.get("link_id") ?? "").replace(/^t3_/, ""));
  if (!thread || children.length > MAX_CHILDREN) return errorAnswer(400);
  const roots = [...new Set(children.flatMap((id) => numberIn(thread, id) ?? []))];
  const shown = chooseShown(thread, roots, { limit: 2 * MAX_CHILDREN, depth: Infinity });
  const things = roots.flatMap((number) => flatThings(thread, number, shown));
  const hidden = roots.filter((number) => !shown.has(number));
  if (hidden.length) things.push(stub(thread, hidden));
  return jsonAnswer(200, `{"json":{"errors":[],"data":{"things":[${things.join(",")}]}}}`);
}

function threadOf({ world, at, query }: Call, id: string): Thread | null {
  const found = postById(world, id);
  if (!found || !isVisible(world, found, at)) return null;
  const post = postAt(world, found.place, found.ordinal, at);
  return {
    world,
    post,
    tree: commentTree(world, found.place, found.ordinal, at),
    sort: query.get("sort") ?? "confidence",
    at,
  };
}

/** A comment's number in this thread, or `null`. */
function numberIn({ world, post, tree }: Thread, id: string): number | null {
  const found = commentById(world, id);
  return found &&
    commentId(post.place.index, post.ordinal, found.comment) === id &&
    found.comment < tree.count
    ? found.comment
    : null;
}

function sorted({ world, post, tree, sort, at }: Thread, parent: number): number[] {
  const numbers = tree.repliesTo(parent);
  if (sort === "old") return [...numbers];
  if (sort === "new") return numbers.toReversed();
  return sortByRank(numbers, (number) => commentScore(world, post.place, post.ordinal, number, at));
}

/** Level by level, the best first, until `limit` are chosen: whoever is shown, their parents are. */
function chooseShown(
  thread: Thread,
  roots: readonly number[],
  { limit, depth }: { limit: number; depth: number },
): Set<number> {
  const shown = new Set<number>();
  let level = [...roots];
  for (let d = 0; d < depth && level.length && shown.size < limit; d++) {
    for (const number of level.slice(0, limit - shown.size)) shown.add(number);
    level = level.filter((number) => shown.has(number)).flatMap((number) => sorted(thread, number));
  }
  return shown;
}

interface Cut {
  shown: ReadonlySet<number>;
  /** Depth from which on a thread goes on elsewhere. */
  endDepth: number;
  depth: number;
}

/** A listing of siblings with all that is shown below them; `null` when there are none. */
function repliesListing(
  thread: Thread,
  siblings: readonly number[],
  parentName: string,
  cut: Cut,
): string | null {
  if (siblings.length === 0) return null;
  if (cut.depth >= cut.endDepth)
    return siblingsListing([moreThing({ count: 0, parentName, children: [], depth: cut.depth })]);
  const things = siblings
    .filter((number) => cut.shown.has(number))
    .map((number) => {
      const comment = commentAt(thread.world, thread.post.place, thread.post.ordinal, number, thread.at);
      const below = repliesListing(thread, sorted(thread, number), `t1_${comment.id}`, {
        ...cut,
        depth: cut.depth + 1,
      });
      return commentThing(comment, thread.post, below ?? `""`);
    });
  const hidden = siblings.filter((number) => !cut.shown.has(number));
  if (hidden.length) things.push(stub(thread, hidden));
  return siblingsListing(things);
}

/** Unlike other listings these do not say how long they are. */
function siblingsListing(things: readonly string[]): string {
  return envelope(things, null, { dist: null });
}

function flatThings(thread: Thread, number: number, shown: ReadonlySet<number>): string[] {
  if (!shown.has(number)) return [];
  const comment = commentAt(thread.world, thread.post.place, thread.post.ordinal, number, thread.at);
  const replies = sorted(thread, number);
  const hidden = replies.filter((reply) => !shown.has(reply));
  return [
    commentThing(comment, thread.post, `""`),
    ...replies.flatMap((reply) => flatThings(thread, reply, shown)),
    ...(hidden.length ? [stub(thread, hidden)] : []),
  ];
}

function stub({ world, post, tree, at }: Thread, hidden: readonly number[]): string {
  const { place, ordinal } = post;
  const { parentName, depth } = commentAt(world, place, ordinal, hidden[0]!, at);
  const children = hidden.map((number) => commentId(place.index, ordinal, number));
  return moreThing({
    count: hidden.reduce((sum, number) => sum + sizeOf(tree, number), 0),
    parentName,
    children,
    depth,
  });
}

function sizeOf(tree: CommentTree, number: number): number {
  return tree.repliesTo(number).reduce((sum, reply) => sum + sizeOf(tree, reply), 1);
}

function atMost(text: string | null, otherwise: number, max: number): number {
  const number = Number(text ?? otherwise);
  return Number.isInteger(number) && number >= 1 ? Math.min(number, max) : otherwise;
}
