import { commentAt, commentCount } from "./comments.ts";
import { isVisible } from "./post-numbers.ts";
import { type Post, postAt } from "./posts.ts";
import { contentType, iso } from "./truth-items.ts";
import { DAYS } from "./truth-metrics.ts";
import { writtenFullnames } from "./user-listings.ts";
import { type Account, accountAt, totalKarma } from "./users.ts";
import { type World, postById, userById, userByName } from "./world.ts";

const DAY = 86_400;
/** A user's figures are over this many of the newest submissions. */
const ANALYZED = 30;
const PRIMARY_SUBREDDITS = 5;

/**
 * An item of `reddit_users` as `about` and `submitted` give it; availability and name alone for those that the site
 * denies. What a person asked robots not to keep is null.
 * @param observedAt when the account's age is taken, unix seconds
 */
export function userItem(world: World, name: string, at: number, observedAt: number) {
  const user = userByName(world, name);
  const account = user === null ? null : accountAt(world, user, at);
  if (!account || account.state === "deleted" || account.state === "shadowbanned") {
    return { username: name, availability: "not_found", availability_reason: "not_found" };
  }
  const { state, hidesHistory, hidesFromRobots } = account;
  const hides = { hides_history: hidesHistory, hides_from_robots: hidesFromRobots };
  if (state === "suspended") {
    return { username: account.name, availability: state, availability_reason: state, is_suspended: true };
  }
  const ageDays = (observedAt - account.createdUtc) / DAY;
  return {
    ...batchItem(account),
    ...hides,
    availability: "ok",
    availability_reason: null,
    total_karma: totalKarma(account),
    awardee_karma: account.awardeeKarma,
    awarder_karma: account.awarderKarma,
    is_employee: account.isEmployee,
    is_mod: account.isMod,
    is_gold: account.isGold,
    verified: account.isVerified,
    has_verified_email: account.hasVerifiedEmail,
    is_suspended: false,
    accept_followers: account.acceptsFollowers,
    subreddit_display_name: `u_${account.name}`,
    subreddit_subscribers: account.profile.subscribers,
    subreddit_over_18: account.profile.over18,
    ...(hidesFromRobots ? NOTHING_KEPT : { ...profileFields(account), ...postFigures(world, account, at) }),
    karma_per_day: round2(totalKarma(account) / Math.max(ageDays, 1)),
    ...scores(account, ageDays),
  };
}

/** What `GET /api/user_data_by_account_ids` tells of an account; `null` for those that the site denies. */
export function batchItemById(world: World, id: string, at: number) {
  const user = userById(world, id.replace(/^t2_/, ""));
  const account = user === null ? null : accountAt(world, user, at);
  return account && account.state !== "deleted" && account.state !== "shadowbanned"
    ? batchItem(account)
    : null;
}

/** Fullnames that a user's listing shows; none where the history is hidden or the account gone. */
export function writtenBy(
  world: World,
  name: string,
  listing: "submitted" | "comments" | "overview",
  at: number,
): string[] {
  const user = userByName(world, name);
  if (user === null) return [];
  const { state, hidesHistory } = accountAt(world, user, at);
  return state === "ok" && !hidesHistory
    ? writtenFullnames(world, user, listing, { sort: "new", t: null, at })
    : [];
}

/** Every comment of a post, in order of time. */
export function commentItems(world: World, id: string, at: number) {
  const found = postById(world, id);
  if (!found || !isVisible(world, found, at)) return undefined;
  const count = commentCount(world, found.place, found.ordinal, at);
  const { permalink } = postAt(world, found.place, found.ordinal, at);
  return Array.from({ length: count }, (_, number) => {
    const comment = commentAt(world, found.place, found.ordinal, number, at);
    return {
      reddit_id: comment.id,
      link_id: `t3_${id}`,
      parent_id: comment.parentName,
      depth: comment.depth,
      subreddit_name: found.place.name,
      author_username: comment.author?.name ?? null,
      author_fullname: comment.author ? `t2_${comment.author.id}` : null,
      body: comment.body,
      score: comment.score,
      created_utc: iso(comment.createdUtc),
      edited_at: comment.edited === false ? null : iso(comment.edited),
      is_submitter: comment.isSubmitter,
      distinguished: comment.distinguished,
      stickied: comment.stickied,
      controversiality: comment.controversiality,
      permalink: `${permalink}${comment.id}/`,
      ...ALIKE,
    };
  });
}

/** What all comments of this world have in common. */
const ALIKE = {
  author_flair_text: null,
  score_hidden: false,
  locked: false,
  archived: false,
  gilded: 0,
  total_awards_received: 0,
};

function batchItem(account: Account) {
  return {
    username: account.name,
    reddit_id: account.id,
    created_utc: iso(account.createdUtc),
    link_karma: account.linkKarma,
    comment_karma: account.commentKarma,
  };
}

const NOTHING_KEPT = {
  icon_img: null,
  subreddit_title: null,
  subreddit_banner_img: null,
  bio: null,
  bio_url: null,
  avg_post_score: null,
  avg_post_comments: null,
  total_posts_analyzed: null,
  preferred_content_type: null,
  most_active_posting_hour: null,
  most_active_posting_day: null,
  primary_subreddits: null,
};

function profileFields({ iconUrl, profile }: Account) {
  return {
    icon_img: iconUrl,
    subreddit_title: profile.title,
    subreddit_banner_img: profile.bannerUrl,
    bio: profile.description,
    bio_url: profile.description.match(/https?:[^ ]+/)?.[0] ?? null,
  };
}

function postFigures(world: World, { name }: Account, at: number) {
  const posts = writtenBy(world, name, "submitted", at)
    .slice(0, ANALYZED)
    .map((fullname) => {
      const { place, ordinal } = postById(world, fullname.slice(3))!;
      return postAt(world, place, ordinal, at);
    });
  const mean = (value: (post: Post) => number): number | null =>
    posts.length ? round2(posts.reduce((sum, post) => sum + value(post), 0) / posts.length) : null;
  return {
    avg_post_score: mean((post) => post.score),
    avg_post_comments: mean((post) => post.numComments),
    total_posts_analyzed: posts.length,
    preferred_content_type: mostFrequent(posts.map(contentType))[0] ?? null,
    most_active_posting_hour: mostFrequent(posts.map((post) => dateOf(post).getUTCHours()))[0] ?? null,
    most_active_posting_day: mostFrequent(posts.map((post) => DAYS[dateOf(post).getUTCDay()]))[0] ?? null,
    primary_subreddits: posts.length
      ? mostFrequent(posts.map(({ place }) => place.name)).slice(0, PRIMARY_SUBREDDITS)
      : null,
  };
}

function dateOf({ createdUtc }: Post): Date {
  return new Date(createdUtc * 1000);
}

/** Each value once, by how often it occurs, equals as they come. */
function mostFrequent<Value>(values: readonly Value[]): Value[] {
  return [...Map.groupBy(values, (value) => value).values()]
    .toSorted((a, b) => b.length - a.length)
    .map(([value]) => value!);
}

function scores(account: Account, ageDays: number) {
  const username = usernameScore(account.name);
  const age = ageScore(ageDays);
  const karma = karmaScore(totalKarma(account), account.commentKarma);
  return {
    username_quality_score: username,
    age_quality_score: age,
    karma_quality_score: karma,
    overall_user_score: 0.15 * username + 0.35 * age + 0.5 * karma,
  };
}

function usernameScore(name: string): number {
  const base = 10 - 0.2 * Math.max(0, name.length - 6);
  const score = base * (/\d/.test(name) ? 0.8 : 1) * (/[^a-z0-9]/i.test(name) ? 0.7 : 1);
  return Math.min(10, Math.max(2, score));
}

function ageScore(days: number): number {
  if (days < 30) return (days / 30) * 3;
  if (days <= 1825) return 8 + ((days - 30) / 1795) * 2;
  return Math.max(6, 10 - (days - 1825) / 1825);
}

function karmaScore(total: number, comment: number): number {
  if (total <= 0) return 1;
  const base =
    total < 100
      ? 2 + (total / 100) * 3
      : total < 1000
        ? 5 + ((total - 100) / 900) * 3
        : 8 + Math.min(2, ((total - 1000) / 10_000) * 2);
  const share = comment / total;
  const balance = total <= 50 ? 1 : share >= 0.2 && share <= 0.8 ? 1.05 : 0.95;
  return Math.min(10, Math.max(1, base * balance));
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
