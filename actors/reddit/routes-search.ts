import type { Router } from "../../shared/crawl/router.ts";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { collectPosts, fullnameOf, reportSkipped, withAuthors } from "./collect.ts";
import { toDiscoveries } from "./discoveries.ts";
import { nextPage } from "./paging.ts";
import { parsePosts } from "./parse-post.ts";
import { parseSubreddits } from "./parse-subreddit.ts";
import { searchName, searchRequest, SearchUserData } from "./requests-search.ts";
import { authorsRequest } from "./requests-users.ts";

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
      const authorIds = plan.authors === "none" ? [] : withAuthors(request.userData.authorIds, wanted);
      const next = nextPage(paging, { ids: posts.map(fullnameOf), after });
      const state = { ...request.userData, authorIds };
      await addRequests(next ? [searchRequest({ ...state, paging: next })] : authorsOf(state));
    },
    async failed({ request, addRequests }) {
      await addRequests(authorsOf(request.userData));
    },
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
      const next = nextPage(paging, { ids: subreddits.map(({ reddit_id }) => reddit_id), after });
      if (next) await addRequests([searchRequest({ ...request.userData, paging: next })]);
    },
  });
}

/** The call for the authors of all pages; none where nobody was seen. */
function authorsOf({ spec, authorIds }: SearchUserData): NewRequest[] {
  const chain = { origin: searchName(spec), subreddit: null, accounts: [] };
  return authorIds.length > 0 ? [authorsRequest(authorIds, chain)] : [];
}
