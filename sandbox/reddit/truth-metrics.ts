import { rankedOrdinals } from "./listings.ts";
import { type Post, postAt } from "./posts.ts";
import { ruleTexts } from "./rules.ts";
import { contentType } from "./truth-items.ts";
import { accountAt } from "./users.ts";
import { type Place, type World, userById } from "./world.ts";

export const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const DAY = 86_400;
const SAMPLE = 100;
/** Below this many authors no requirement is inferred. */
const MIN_AUTHORS = 10;

/** The rules of a community in the one shape that the tables keep. */
export function rulesData(world: World, place: Place) {
  return ruleTexts(world, place).rules.map(
    ({ short_name, kind, priority, description, violation_reason }) => ({
      short_name,
      kind,
      priority,
      description,
      violation_reason,
    }),
  );
}

/** Fullnames of the accounts seen in the hundred hot posts and the hundred best of the week, by first sight. */
export function authorsSeen(world: World, place: Place, at: number): string[] {
  const posts = [...sample(world, place, "hot", at), ...sample(world, place, "top", at)];
  return [...new Set(posts.flatMap((post) => (post.author ? [`t2_${post.author.id}`] : [])))];
}

/** Other communities that the answers to the same two listings name as a crosspost's origin. */
export function originsSeen(world: World, place: Place, at: number): string[] {
  const posts = [...sample(world, place, "hot", at), ...sample(world, place, "top", at)];
  const origins = posts.flatMap(({ parent }) => parent?.post?.place ?? []);
  return [
    ...new Set(
      origins.filter(({ index, owner }) => index !== place.index && owner === null).map(({ name }) => name),
    ),
  ];
}

/**
 * The metrics of a community by the formulas of the tables: over the non-stickied posts of the last week's top
 * listing, and over the authors of that and of the hot listing.
 * @param observedAt when account ages are taken, unix seconds
 */
export function metrics(world: World, place: Place, at: number, observedAt: number) {
  const posts = sample(world, place, "top", at).filter((post) => !post.stickied);
  const sum = (value: (post: Post) => number): number =>
    posts.reduce((total, post) => total + value(post), 0);
  const [score, comments] = [sum((post) => post.score), sum((post) => post.numComments)];
  const n = posts.length;
  const engagement = score > 0 ? comments / score : null;
  const avgUpvotes = n > 0 ? score / n : null;
  const { verification } = ruleTexts(world, place);
  return {
    metrics_sample_size: n,
    metrics_window: "week",
    avg_upvotes_per_post: avgUpvotes,
    avg_comments_per_post: n > 0 ? comments / n : null,
    engagement,
    subreddit_score:
      engagement === null || avgUpvotes === null ? null : Math.sqrt(engagement * avgUpvotes * 1000),
    score_version: 1,
    ...Object.fromEntries(
      ["image", "video", "text", "link", "gallery"].map((type) => [
        `${type}_post_avg_score`,
        averageScore(posts, type),
      ]),
    ),
    best_posting_day: bestBy(posts, ({ createdUtc }) => DAYS[new Date(createdUtc * 1000).getUTCDay()]!),
    // The earliest of equals.
    best_posting_hour: bestBy(
      posts.toSorted((a, b) => hourOf(a) - hourOf(b)),
      hourOf,
    ),
    top_content_type: bestBy(posts, contentType),
    content_type_shares: n > 0 ? shares(posts) : null,
    metrics_reason: n > 0 ? null : "no posts in the last week",
    verification_required: verification !== null,
    verification_evidence: verification,
    ...requirements(world, place, at, observedAt),
  };
}

function requirements(world: World, place: Place, at: number, observedAt: number) {
  const accounts = authorsSeen(world, place, at)
    .map((fullname) => accountAt(world, userById(world, fullname.slice(3))!, at))
    .filter((account) => account.state !== "shadowbanned");
  const tenth = (values: number[]): number | null =>
    accounts.length < MIN_AUTHORS ? null : percentile(values, 0.1);
  return {
    requirement_sample_size: accounts.length,
    requirement_reason: accounts.length < MIN_AUTHORS ? `fewer than ${MIN_AUTHORS} authors` : null,
    min_account_age_days: tenth(accounts.map((account) => (observedAt - account.createdUtc) / DAY)),
    min_comment_karma: tenth(accounts.map((account) => account.commentKarma)),
    min_post_karma: tenth(accounts.map((account) => account.linkKarma)),
  };
}

function averageScore(posts: readonly Post[], type: string): number | null {
  const scores = posts.filter((post) => contentType(post) === type).map((post) => post.score);
  return scores.length ? scores.reduce((total, score) => total + score, 0) / scores.length : null;
}

function hourOf({ createdUtc }: Post): number {
  return new Date(createdUtc * 1000).getUTCHours();
}

/** The group with the highest average score, the first one of equals. */
function bestBy<Group>(posts: readonly Post[], groupOf: (post: Post) => Group): Group | null {
  const averages = [...Map.groupBy(posts, groupOf)].map(([group, members]) => {
    return { group, average: members.reduce((sum, { score }) => sum + score, 0) / members.length };
  });
  return averages.sort((a, b) => b.average - a.average)[0]?.group ?? null;
}

/** Of all posts, by content type, to four decimals. */
function shares(posts: readonly Post[]): Record<string, number> {
  const groups = [...Map.groupBy(posts, contentType)];
  return Object.fromEntries(
    groups.map(([type, { length }]) => [type, Math.round((length / posts.length) * 1e4) / 1e4]),
  );
}

/** Between the two nearest values in proportion. */
function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  return below + (sorted[Math.ceil(position)]! - below) * (position - Math.floor(position));
}

function sample(world: World, place: Place, sort: "hot" | "top", at: number): Post[] {
  const ordinals = rankedOrdinals(world, place, sort, "week", at).slice(0, SAMPLE);
  return ordinals.map((ordinal) => postAt(world, place, ordinal, at));
}
