import { describe, expect, it } from "vitest";
import { commentAt, commentCount, commentTree } from "../../sandbox/reddit/comments.ts";
import { postThing } from "../../sandbox/reddit/post-body.ts";
import { isExplicit, isListed, postCountAt, postCreatedUtc } from "../../sandbox/reddit/post-numbers.ts";
import { type Post, postAt } from "../../sandbox/reddit/posts.ts";
import { subscribersAt } from "../../sandbox/reddit/subreddits.ts";
import { writtenFullnames } from "../../sandbox/reddit/user-listings.ts";
import { accountState } from "../../sandbox/reddit/users.ts";
import {
  type World,
  commentById,
  commentId,
  place,
  placeById,
  postById,
  postId,
  totalPosts,
  userById,
} from "../../sandbox/reddit/world.ts";
import { smallWorld } from "./worlds.ts";

const DAY = 86_400;

function allPosts(world: World, at = world.startAt): Post[] {
  return Array.from({ length: world.subreddits }, (_, index) => place(world, index)).flatMap((p) =>
    Array.from({ length: postCountAt(world, p, at) }, (_, ordinal) => postAt(world, p, ordinal, at)),
  );
}

describe("a still world", () => {
  const world = smallWorld();
  const posts = allPosts(world);

  it("is the same whenever and in whatever order it is looked at", () => {
    const bodies = posts.slice(0, 300).map((post) => postThing(world, post));
    const again = allPosts(smallWorld()).slice(0, 300).toReversed();
    expect(again.map((post) => postThing(world, post)).toReversed()).toEqual(bodies);
  });

  it("is another one with another seed", () => {
    const [one, other] = [world, smallWorld({ seed: 2 })].map((w) => postAt(w, place(w, 0), 0, w.startAt));
    expect(other!.title).not.toBe(one!.title);
  });

  it("has posts that become newer with their number and are older than its start", () => {
    const big = place(world, 0);
    const created = Array.from({ length: big.postCount }, (_, ordinal) =>
      postCreatedUtc(world, big, ordinal),
    );
    expect(created).toEqual([...new Set(created)].toSorted((a, b) => a - b));
    expect(created[0]).toBeGreaterThan(big.createdUtc);
    expect(created.at(-1)).toBeLessThanOrEqual(world.startAt);
  });

  it.each(["text", "image", "gallery", "video", "link", "poll", "crosspost"])(
    "has posts of the form %s",
    (form) => {
      expect(posts.filter((post) => post.form === form).length).toBeGreaterThan(10);
    },
  );

  it.each<[string, (post: Post) => unknown]>([
    [
      "galleries with failed media",
      (post) => post.form === "gallery" && post.media.some((medium) => medium.failed),
    ],
    ["crossposts of which nothing is carried", (post) => post.parent && post.parent.post === null],
    ["crossposts of deleted posts", (post) => post.parent?.post?.author === null],
    ["posts without an author", (post) => post.author === null && post.removedBy === null],
    ["removed texts", (post) => post.removedBy === "moderator" && post.selftext === "[removed]"],
    ["deleted posts", (post) => post.removedBy === "deleted" && post.author === null],
    ["edited posts", (post) => post.edited !== false],
    ["pinned posts", (post) => post.stickied],
    ["archived posts", (post) => post.archived],
    ["running polls", (post) => post.poll && post.poll.endsAtUtc > world.startAt],
    ["texts with an ampersand", (post) => post.selftext.includes("&")],
  ])("has %s", (_, is) => {
    expect(posts.some((post) => is(post))).toBe(true);
  });

  it("crossposts only what is older", () => {
    const crossposts = posts.filter((post) => post.parent?.post);
    expect(crossposts.length).toBeGreaterThan(10);
    for (const post of crossposts) expect(post.parent!.post!.createdUtc).toBeLessThan(post.createdUtc);
  });

  it("finds everything by its id again", () => {
    for (const { place: p, ordinal, id } of posts) {
      expect(postById(world, id)).toMatchObject({ place: { index: p.index }, ordinal });
    }
    expect(commentById(world, commentId(3, 44, 555))).toMatchObject({
      place: { index: 3 },
      ordinal: 44,
      comment: 555,
    });
    expect(placeById(world, place(world, 39).id)?.index).toBe(39);
    for (const id of ["", "zzz", "0", "../x"]) expect(postById(world, id)).toBeNull();
  });

  it("lists under each account exactly the posts that carry its name", () => {
    const at = world.startAt;
    const shown = posts.filter((p) => p.place.state === "ok" && isListed(world, p.place, p.ordinal, at));
    const byAuthor = Map.groupBy(shown, (post) => post.author?.id);
    byAuthor.delete(undefined);
    expect(byAuthor.size).toBeGreaterThan(100);
    for (const [id, written] of byAuthor) {
      const listed = writtenFullnames(world, userById(world, id!)!, "submitted", {
        sort: "new",
        t: null,
        at,
      });
      const inCommunities = listed.filter((name) => postById(world, name.slice(3))!.place.owner === null);
      const newest = written.toSorted((a, b) => b.createdUtc - a.createdUtc).slice(0, inCommunities.length);
      expect(new Set(inCommunities)).toEqual(new Set(newest.map((post) => `t3_${post.id}`)));
      expect(listed.length).toBeGreaterThanOrEqual(Math.min(1000, written.length));
    }
  });

  it("lists under each account exactly the comments that carry its name", () => {
    const at = world.startAt;
    const somebody = posts[0]!.author!.id;
    const listed = writtenFullnames(world, userById(world, somebody)!, "comments", {
      sort: "new",
      t: null,
      at,
    });
    const written = posts
      .filter((post) => post.place.state === "ok" && !isExplicit(world, post.place, post.ordinal))
      .flatMap((post) =>
        [...Array(post.numComments).keys()].map((n) => commentAt(world, post.place, post.ordinal, n, at)),
      )
      .filter((comment) => comment.author?.id === somebody)
      .toSorted((a, b) => b.createdUtc - a.createdUtc);
    expect(listed.length).toBeGreaterThan(20);
    expect(new Set(listed)).toEqual(new Set(written.slice(0, 1000).map((comment) => `t1_${comment.id}`)));
  });

  it("shares authors between the communities of a cluster, not across the world", () => {
    const byPlace = Map.groupBy(posts, (post) => post.place.index);
    const authors = (index: number): Set<string> =>
      new Set(byPlace.get(index)!.flatMap((post) => post.author?.id ?? []));
    expect(authors(0).intersection(authors(1)).size).toBeGreaterThan(5);
    expect(authors(0).intersection(authors(20)).size).toBe(0);
  });

  it("grows comments into trees that hold each comment once", () => {
    const post = posts.find((p) => p.numComments > 60)!;
    const tree = commentTree(world, post.place, post.ordinal, world.startAt);
    const walk = (number: number): number[] =>
      [...tree.repliesTo(number)].flatMap((reply) => [reply, ...walk(reply)]);
    expect(walk(-1).toSorted((a, b) => a - b)).toEqual([...Array(post.numComments).keys()]);
    const times = [...Array(post.numComments).keys()].map(
      (n) => commentAt(world, post.place, post.ordinal, n, world.startAt).createdUtc,
    );
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(world.startAt);
  });

  it("has every state of accounts", () => {
    const states = new Set(Array.from({ length: 400 }, (_, user) => accountState(world, user)));
    expect(states).toEqual(new Set(["ok", "suspended", "shadowbanned", "deleted"]));
  });
});

describe("a growing world", () => {
  const world = smallWorld({ growth: 1 });
  const big = place(world, 0);
  const later = world.startAt + 3 * DAY;

  it("starts as the still one", () => {
    expect(postCountAt(world, big, world.startAt)).toBe(big.postCount);
    expect(postAt(world, big, 5, world.startAt)).toEqual(postAt(smallWorld(), big, 5, world.startAt));
  });

  it("gets new posts at its old pace, each listed from its own moment on", () => {
    const count = postCountAt(world, big, later);
    expect(count - big.postCount).toBeGreaterThan((3 * DAY) / big.intervalSecs - 2);
    expect(count - big.postCount).toBeLessThan((3 * DAY) / big.intervalSecs + 2);
    for (let ordinal = big.postCount; ordinal < count; ordinal++) {
      const createdUtc = postCreatedUtc(world, big, ordinal);
      expect(postCountAt(world, big, createdUtc)).toBe(ordinal + 1);
      expect(postCountAt(world, big, createdUtc - 1)).toBe(ordinal);
    }
  });

  it("adds votes, comments and subscribers", () => {
    const newest = big.postCount - 1;
    const [before, after] = [world.startAt, later].map((at) => postAt(world, big, newest, at));
    expect(after!.score).toBeGreaterThan(before!.score);
    expect(commentCount(world, big, newest, later)).toBe(after!.numComments);
    expect(subscribersAt(world, big, later)!).toBeGreaterThan(subscribersAt(world, big, world.startAt)!);
  });

  it("loses posts that their authors delete", () => {
    const lost = [...Array(big.postCount).keys()].filter(
      (ordinal) => isListed(world, big, ordinal, world.startAt) && !isListed(world, big, ordinal, later),
    );
    expect(lost.length).toBeGreaterThan(0);
    expect(postAt(world, big, lost[0]!, later)).toMatchObject({ author: null, removedBy: "deleted" });
    expect(postId(big.index, lost[0]!)).toBe(postAt(world, big, lost[0]!, world.startAt).id);
  });
});

it("holds 1.8 million posts in 34,682 communities", () => {
  const world = smallWorld({ subreddits: 34_682, users: 309_608 });
  expect(totalPosts(world)).toBeGreaterThan(1_750_000);
  expect(totalPosts(world)).toBeLessThan(1_950_000);
  const last = place(world, 34_681);
  expect(postById(world, postId(last.index, 3))).toMatchObject({ place: { name: last.name }, ordinal: 3 });
});
