import type { HandlerContext } from "../../shared/crawl/router.ts";
import { foldName } from "../../shared/parse/text.ts";
import { distinctAuthors, type Author, type Chain } from "./chain.ts";
import { PAGE_SIZE } from "./paging.ts";
import type { BatchAuthor } from "./parse-user.ts";
import { AuthorAccount, postingMinimums } from "./posting-minimums.ts";
import { listingRequest, startOfListings } from "./requests-subreddits.ts";
import { authorsRequest } from "./requests-users.ts";

type Context = Omit<HandlerContext<unknown>, "request" | "body">;

/**
 * Ends the reading of a subreddit, or of a search, and goes on with its chain.
 * @param subreddit whose authors they are; `null` when they show nothing about one
 */
export async function addAuthors(
  context: Context,
  chain: Chain,
  { subreddit, authors }: { subreddit: string | null; authors: readonly Author[] },
): Promise<void> {
  const unknown = distinctAuthors([...chain.unknown, ...authors]);
  const usernames = authors.map(({ username }) => username);
  const waiting = subreddit ? [...chain.waiting, { subreddit, usernames }] : chain.waiting;
  await followChain(context, { ...chain, unknown, waiting });
}

/**
 * The next step of a chain: a hundred unknown authors as soon as there are as many, the next subreddit, at last the
 * rest of the authors. Whenever none is unknown, the authors of the subreddits so far show what it takes to post.
 *
 * @param answered accounts of the present answer, which the run does not have yet
 */
export async function followChain(
  context: Context,
  chain: Chain,
  answered: readonly BatchAuthor[] = [],
): Promise<void> {
  const unknown = await unknownOf(context, chain.unknown);
  if (unknown.length === 0) await pushMinimums(context, chain.waiting, answered);
  const rest = { ...chain, unknown, waiting: unknown.length > 0 ? chain.waiting : [] };

  const [next, ...subreddits] = chain.subreddits;
  if (unknown.length >= PAGE_SIZE || (unknown.length > 0 && !next))
    await context.addRequests([authorsRequest(rest)]);
  else if (next) await context.addRequests([listingRequest(startOfListings(next, { ...rest, subreddits }))]);
}

/** Those whose age and karma the run does not have: of a suspended user, for one, `about` does not tell them. */
async function unknownOf({ getItems }: Context, authors: readonly Author[]): Promise<Author[]> {
  const users = await getItems("reddit_users", authors.map(keyOf));
  return authors.filter((_, index) => !AuthorAccount.safeParse(users[index]).success);
}

async function pushMinimums(
  { observedAt, getItems, pushData }: Context,
  waiting: Chain["waiting"],
  answered: readonly BatchAuthor[],
): Promise<void> {
  const fresh = new Map(answered.map((user) => [keyOf(user), user]));
  for (const { subreddit: name, usernames } of waiting) {
    const keys = usernames.map((username) => keyOf({ username }));
    const users = await getItems("reddit_users", keys);
    // Those that are missing were asked for in vain: the accounts are gone.
    const accounts = users.flatMap(
      (user, index) => AuthorAccount.safeParse(fresh.get(keys[index]!) ?? user).data ?? [],
    );
    await pushData({ name, ...postingMinimums(accounts, observedAt) }, "reddit_subreddits");
  }
}

function keyOf({ username }: { username: string }): string {
  return foldName(username);
}
