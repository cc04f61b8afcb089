import { type Draw, between, draws } from "../random.ts";
import { type Flair, linkFlair, userFlair } from "./flairs.ts";
import { CLUSTER_SIZE, accountName } from "./names.ts";
import { type PostContent, drawForm, postContent } from "./post-content.ts";
import {
  commentsAt,
  deletedAtUtc,
  lot,
  postCreatedUtc,
  scoreAt,
  stickyOrdinals,
  upvoteRatio,
} from "./post-numbers.ts";
import { postTitle } from "./texts.ts";
import { accountState } from "./users.ts";
import { ASPECT, type Place, type World, authorIndex, place as placeAt, postId, userId } from "./world.ts";

export interface Post extends PostContent {
  place: Place;
  ordinal: number;
  /** Without `t3_`. */
  id: string;
  /** Starts with `/r/` or, on a profile, with `/user/`. */
  permalink: string;
  createdUtc: number;
  /** `null` when the account or the post was deleted. */
  author: { name: string; id: string } | null;
  title: string;
  thumbnail: string;
  /** The crossposted post; `post` is `null` when the answer carries nothing of it. */
  parent: { id: string; post: Post | null } | null;
  /** Whether Reddit has worked out `post_hint` and `preview`. */
  hasHint: boolean;
  score: number;
  upvoteRatio: number;
  numComments: number;
  numCrossposts: number;
  over18: boolean;
  spoiler: boolean;
  stickied: boolean;
  locked: boolean;
  archived: boolean;
  edited: number | false;
  distinguished: "moderator" | null;
  removedBy: "moderator" | "deleted" | null;
  flair: Flair | null;
  authorFlair: Flair | null;
  awards: number;
  isOriginalContent: boolean;
  /** When it was looked at. */
  at: number;
}

const ARCHIVED_AFTER_SECS = 183 * 86_400;

export function postAt(world: World, place: Place, ordinal: number, at: number): Post {
  const draw = draws(world.seed, ASPECT.post, place.index, ordinal);
  const id = postId(place.index, ordinal);
  const createdUtc = postCreatedUtc(world, place, ordinal);
  const ageSecs = at - createdUtc;
  const title = postTitle(draw, place.topic);
  const permalink = `${place.owner === null ? `/r/${place.name}` : `/user/${place.name.slice(2)}`}/comments/${id}/${slug(title)}/`;
  const { parent, ...content } = contentAndParent(world, draw, place, ordinal, {
    id,
    permalink,
    createdUtc,
    at,
  });

  const isDeleted = deletedAtUtc(world, place, ordinal) <= at;
  const removedBy = isDeleted ? "deleted" : lot(world, place, ordinal) === "removed" ? "moderator" : null;
  const user = authorIndex(world, place.index, ordinal);
  const isOrphan =
    isDeleted || lot(world, place, ordinal) === "orphaned" || accountState(world, user) === "deleted";
  const score = scoreAt(world, place, ordinal, ageSecs);
  const stickied = stickyOrdinals(world, place).includes(ordinal);
  const over18 = draw() < (place.over18 ? 0.9 : 0.02);
  const spoiler = draw() < 0.03;
  const editedUtc = createdUtc + between(draw, 60, 9000);
  const hasHint = draw() < 0.85 && content.selftext === "";
  return {
    ...content,
    place,
    ordinal,
    id,
    permalink,
    createdUtc,
    author: isOrphan ? null : { name: accountName(world.seed, user), id: userId(user) },
    title,
    selftext: removedBy && content.selftext ? (isDeleted ? "[deleted]" : "[removed]") : content.selftext,
    thumbnail: thumbnail(content, { over18, spoiler, hasHint }),
    parent,
    hasHint,
    score,
    upvoteRatio: score > 0 ? upvoteRatio(world, place, ordinal) : 0.5,
    numComments: commentsAt(world, place, ordinal, ageSecs),
    numCrossposts: draw() < 0.05 ? between(draw, 1, 6) : 0,
    over18,
    spoiler,
    stickied,
    locked: draw() < 0.04,
    archived: ageSecs > ARCHIVED_AFTER_SECS,
    edited: draw() < 0.1 && content.selftext && editedUtc <= at ? editedUtc : false,
    distinguished: stickied ? "moderator" : null,
    removedBy,
    flair: draw() < 0.6 ? linkFlair(world, place, draw()) : null,
    authorFlair: draw() < 0.2 ? userFlair(draw, place.topic) : null,
    awards: draw() < 0.02 ? between(draw, 1, 3) : 0,
    isOriginalContent: draw() < 0.03,
    at,
  };
}

function contentAndParent(
  world: World,
  draw: Draw,
  place: Place,
  ordinal: number,
  given: { id: string; permalink: string; createdUtc: number; at: number },
): PostContent & Pick<Post, "parent"> {
  const drawn = drawForm(draw);
  const crosspost = drawn === "crosspost" ? crosspostOf(world, draw, place, ordinal, given.at) : null;
  if (crosspost) return crosspost;
  const form = drawn === "crosspost" ? "text" : drawn;
  const content = postContent(draw, form, {
    ...given,
    place: place.name,
    permalink: `https://www.reddit.com${given.permalink}`,
  });
  return { ...content, parent: null };
}

/** Of an older post of the cluster's first community; `null` where there is none. Never of a crosspost. */
function crosspostOf(
  world: World,
  draw: Draw,
  place: Place,
  ordinal: number,
  at: number,
): (PostContent & Pick<Post, "parent">) | null {
  const source = placeAt(world, place.index - (place.index % CLUSTER_SIZE));
  if (place.owner !== null || source.index === place.index) return null;
  const ageAtStart = Math.max(0, world.startAt - postCreatedUtc(world, place, ordinal));
  const older = source.postCount - 1 - Math.ceil(ageAtStart / source.intervalSecs);
  if (older <= 0) return null;
  const original = postAt(world, source, between(draw, 0, older - 1), at);
  const isCarried = draw() < 0.9;
  if (original.form === "crosspost") return null;
  const { url, domain } = original;
  return {
    form: "crosspost",
    url,
    domain,
    selftext: "",
    media: [],
    poll: null,
    parent: { id: original.id, post: isCarried ? original : null },
  };
}

function thumbnail(
  content: PostContent,
  { over18, spoiler, hasHint }: Pick<Post, "over18" | "spoiler" | "hasHint">,
): string {
  if (over18) return "nsfw";
  if (spoiler) return "spoiler";
  if (content.form === "text" || content.form === "poll") return content.selftext ? "self" : "";
  if (content.media.length === 0) return "default";
  return hasHint ? `https://b.thumbs.redditmedia.com/${content.media[0]!.id}.jpg` : "image";
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_|_$/g, "")
    .slice(0, 50);
}
