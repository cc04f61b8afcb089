import { z } from "zod";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { PAGE_SIZE, Paging } from "./paging.ts";
import { Plan } from "./plan.ts";
import { AuthorAccount } from "./posting-minimums.ts";
import { CONTINUED, pageUrl, redditUrl } from "./urls.ts";

/** The authors of one chain of pages, by the hundred. */
export const AuthorsUserData = z.object({
  /** The chain that saw them: `r/node`, `search/…`. */
  origin: z.string(),
  /** Whose posting minimums they show; `null` where they come from a search. */
  subreddit: z.string().nullable(),
  /** Account ids of the present call. */
  ids: z.array(z.string()).min(1).max(PAGE_SIZE),
  /** Account ids of the calls to come. */
  restIds: z.array(z.string()),
  /** What earlier calls told. */
  accounts: z.array(AuthorAccount),
});
export type AuthorsUserData = z.infer<typeof AuthorsUserData>;

export const UserUserData = z.object({
  username: z.string(),
  plan: Plan,
  /** Whether the run saw a post of theirs. */
  isPoster: z.boolean(),
});
export type UserUserData = z.infer<typeof UserUserData>;

/** Where the reading of a user's history stands. */
export const HistoryUserData = z.object({
  username: z.string(),
  plan: Plan,
  paging: Paging,
  /** Whether an empty history would be a hidden one: the account has posts. */
  hasPosts: z.boolean(),
});
export type HistoryUserData = z.infer<typeof HistoryUserData>;

/** The call that asks karma and age of up to 100 of `ids`, and brings the others. */
export function authorsRequest(
  ids: readonly string[],
  chain: Pick<AuthorsUserData, "origin" | "subreddit" | "accounts">,
): NewRequest {
  const userData: AuthorsUserData = { ...chain, ids: ids.slice(0, PAGE_SIZE), restIds: ids.slice(PAGE_SIZE) };
  return {
    url: redditUrl("/api/user_data_by_account_ids", { ids: userData.ids.join(",") }),
    uniqueKey: `authors:${chain.origin}:${userData.ids[0]}`,
    label: "AUTHORS",
    userData,
    priority: CONTINUED,
  };
}

/** `GET /user/{username}/about`. */
export function userRequest(userData: UserUserData): NewRequest {
  return {
    url: redditUrl(`/user/${userData.username}/about`),
    uniqueKey: `user:${userData.username.toLowerCase()}`,
    label: "USER",
    userData,
  };
}

/** `GET /user/{username}/submitted`, `/comments` or `/overview`: one page. */
export function historyRequest(userData: HistoryUserData): NewRequest {
  const { username, paging, plan } = userData;
  const { listing, sort, time } = plan.user_history;
  return {
    url: pageUrl(`/user/${username}/${listing}`, paging, { sort, t: time }),
    uniqueKey: `history:${username.toLowerCase()}:${paging.afters.at(-1) ?? ""}`,
    label: "HISTORY",
    userData,
    priority: CONTINUED,
  };
}
