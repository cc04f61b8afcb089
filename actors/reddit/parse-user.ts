import { z } from "zod";
import { flag, fromTold, Seconds, text, time, toIso, told } from "../../shared/parse/fields.ts";
import { partOf } from "../../shared/parse/parts.ts";
import { whole } from "./fields.ts";
import { assertSomeRead, readEach, readShape, type SkippedChild } from "../../shared/parse/shape.ts";

const Profile = z.object({
  display_name: text,
  title: text,
  subscribers: whole,
  over_18: flag,
  banner_img: text,
  public_description: text,
});

const Data = z.object({
  name: z.string().min(1),
  id: text,
  created_utc: time,
  comment_karma: whole,
  link_karma: whole,
  total_karma: whole,
  awardee_karma: whole,
  awarder_karma: whole,
  is_employee: flag,
  is_mod: flag,
  is_gold: flag,
  verified: flag,
  has_verified_email: flag,
  is_suspended: flag,
  hide_from_robots: flag,
  accept_followers: flag,
  icon_img: text,
  subreddit: partOf("subreddit", Profile),
});

const About = z.object({ kind: z.literal("t2"), data: Data });

const Account = z.object({
  name: z.string().min(1),
  created_utc: Seconds.transform(toIso),
  comment_karma: z.int32(),
  link_karma: z.int32(),
});

const Accounts = z.record(z.string(), z.unknown()).refine((accounts) => Object.keys(accounts).length > 0, {
  error: "expected accounts, got none",
});

export interface UserAbout {
  /** An item of `reddit_users`. */
  user: ReturnType<typeof toUser> | ReturnType<typeof toSuspended>;
  /** Whether the account's owner lets robots read its profile and history. */
  isOpen: boolean;
}

/**
 * Reads `GET /user/{username}/about`. Of an account that does not say `hide_from_robots: false`, numbers and flags
 * are kept, and neither text nor picture.
 *
 * @throws {UnexpectedShapeError} when the body is not a user
 * @see https://www.reddit.com/dev/api/#GET_user_{username}_about
 */
export function parseUserAbout(body: unknown): UserAbout {
  const { data } = readShape(About, body, "a user");
  if (data.is_suspended) return { user: toSuspended(data), isOpen: false };
  const isOpen = data.hide_from_robots === false;
  return { user: toUser(data, isOpen), isOpen };
}

/** An item of `reddit_users` with karma and age alone. */
export type BatchAuthor = ReturnType<typeof toBatchAuthor>;

/**
 * Reads `GET /api/user_data_by_account_ids?ids=t2_a,t2_b`: karma and age of up to 100 accounts. Accounts that are
 * gone are missing from the answer; where none is left, it is a 404, so that one without any is broken.
 *
 * @throws {UnexpectedShapeError} when the body is something else, or no account that it has can be read
 */
export function parseAccounts(body: unknown): { authors: BatchAuthor[]; skipped: SkippedChild[] } {
  const accounts = readShape(Accounts, body, "accounts by id");
  const { items, skipped } = readEach(Object.entries(accounts), toBatchAuthor);
  assertSomeRead({ items, skipped });
  return { authors: items, skipped };
}

function toBatchAuthor(data: unknown, fullname: string) {
  const { name, ...account } = readShape(Account, data, "an account");
  return { username: name, reddit_id: fullname.replace(/^t2_/, ""), ...account };
}

/** A suspended account's numbers are zeros that mean nothing. */
function toSuspended({ name }: z.infer<typeof Data>) {
  return {
    username: name,
    is_suspended: true,
    availability: "suspended" as const,
    availability_reason: "suspended",
  };
}

function toUser(data: z.infer<typeof Data>, isOpen: boolean) {
  const { name, id, hide_from_robots: _hidden, icon_img, subreddit, ...fields } = data;
  const { comment_karma, link_karma } = fields;
  const sum = fromTold(comment_karma, (comments) => fromTold(link_karma, (links) => comments + links));
  return {
    username: name,
    reddit_id: id,
    ...fields,
    // Bodies before 2020 do not have it.
    total_karma: told(fields.total_karma, sum),
    subreddit_display_name: fromTold(subreddit, (profile) => profile.display_name),
    subreddit_subscribers: fromTold(subreddit, (profile) => profile.subscribers),
    subreddit_over_18: fromTold(subreddit, (profile) => profile.over_18),
    ...(isOpen && { icon_img, ...toPresentation(subreddit) }),
    availability: "ok" as const,
    availability_reason: null,
  };
}

/** What somebody says and shows about themselves. */
function toPresentation(profile: z.infer<typeof Data>["subreddit"]) {
  const bio = fromTold(profile, ({ public_description }) => public_description);
  return {
    subreddit_title: fromTold(profile, ({ title }) => title),
    subreddit_banner_img: fromTold(profile, ({ banner_img }) => banner_img),
    bio,
    bio_url: fromTold(bio, (words) => /https?:\/\/[^\s)\]]+/.exec(words)?.[0] ?? null),
  };
}
