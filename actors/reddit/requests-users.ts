import { z } from "zod";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { pathSegment } from "../../shared/parse/addresses.ts";
import { Chain } from "./chain.ts";
import { PAGE_SIZE, Paging } from "./paging.ts";
import { Plan } from "./plan.ts";
import { CONTINUED, pageUrl, redditUrl } from "./urls.ts";
import { Submission } from "./user-metrics.ts";

/** The chain that goes on when its authors are known. */
export const AuthorsUserData = z.object({ chain: Chain });
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
  /** The newest posts on earlier pages. */
  newest: z.array(Submission),
});
export type HistoryUserData = z.infer<typeof HistoryUserData>;

/** `GET /api/user_data_by_account_ids?ids=t2_a,t2_b`: karma and age of the first hundred that a chain does not know. */
export function authorsRequest(chain: Chain): NewRequest {
  const ids = chain.unknown.slice(0, PAGE_SIZE).map(({ id }) => id);
  const rest = { ...chain, calls: chain.calls + 1, unknown: chain.unknown.slice(PAGE_SIZE) };
  const userData: AuthorsUserData = { chain: rest };
  return {
    url: redditUrl("/api/user_data_by_account_ids", { ids: ids.join(",") }),
    uniqueKey: `authors:${chain.name.toLowerCase()}:${rest.calls}`,
    label: "AUTHORS",
    userData,
    priority: CONTINUED,
  };
}

/** `GET /user/{username}/about`. */
export function userRequest(userData: UserUserData): NewRequest {
  return {
    url: redditUrl(`/user/${pathSegment(userData.username)}/about`),
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
    url: pageUrl(`/user/${pathSegment(username)}/${listing}`, paging, { sort, t: time }),
    uniqueKey: `history:${username.toLowerCase()}:${paging.afters.at(-1) ?? ""}`,
    label: "HISTORY",
    userData,
    priority: CONTINUED,
  };
}
