import type { HandlerContext, Router } from "../../shared/crawl/router.ts";
import { reportSkipped } from "../../shared/parse/report-skipped.ts";
import { newChain, withAuthors, type Author } from "./chain.ts";
import { collectPosts, fullnameOf } from "./collect.ts";
import { toDiscoveries } from "./discoveries.ts";
import { addAuthors } from "./follow-chain.ts";
import { nextPage } from "./paging.ts";
import { parsePosts } from "./parse-post.ts";
import { parseSubreddits } from "./parse-subreddit.ts";
import { searchName, searchRequest, SearchUserData } from "./requests-search.ts";

export function addSearchRoutes(router: Router): void {
  router.addHandler("SEARCH", {
    userData: SearchUserData,
    async handle(context) {
      const { request, body, addRequests } = context;
      const { spec, plan, paging } = request.userData;
      const page = parsePosts(body);
      const { posts, skipped, after } = page;
      const wanted = await collectPosts(context, page, { plan, seenIn: searchName(spec) });
      await reportSkipped(context, skipped);
      const authors = plan.authors === "none" ? [] : withAuthors(request.userData.authors, wanted);
      const next = nextPage(paging, { ids: posts.map(fullnameOf), after });
      if (next) await addRequests([searchRequest({ ...request.userData, paging: next, authors })]);
      else await endSearch(context, authors);
    },
    gone: giveUpSearch,
    failed: giveUpSearch,
  });

  router.addHandler("SUBREDDIT_SEARCH", {
    userData: SearchUserData,
    async handle(context) {
      const { request, body, pushData, addRequests } = context;
      const { spec, plan, paging } = request.userData;
      const { subreddits, skipped, after } = parseSubreddits(body);
      await pushData(subreddits, "reddit_subreddits");
      await reportSkipped(context, skipped);
      const names = subreddits.map(({ name }) => name);
      if (plan.discover) await pushData(toDiscoveries(names, searchName(spec)), "reddit_discoveries");
      const next = nextPage(paging, { ids: subreddits.map(({ reddit_id: id }) => `t5_${id}`), after });
      if (next) await addRequests([searchRequest({ ...request.userData, paging: next })]);
    },
  });
}

/** The pages before are there, and their authors are still to be asked for. */
async function giveUpSearch(context: Omit<HandlerContext<SearchUserData>, "body">): Promise<void> {
  await endSearch(context, context.request.userData.authors);
}

async function endSearch(
  context: Omit<HandlerContext<SearchUserData>, "body">,
  authors: readonly Author[],
): Promise<void> {
  const { spec, plan } = context.request.userData;
  await addAuthors(context, newChain(searchName(spec), plan), { subreddit: null, authors });
}
