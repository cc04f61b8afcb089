import { createRouter, type Router } from "../../shared/crawl/router.ts";
import { addCommentRoutes } from "./routes-comments.ts";
import { addSearchRoutes } from "./routes-search.ts";
import { addSubredditRoutes } from "./routes-subreddits.ts";
import { addUserRoutes } from "./routes-users.ts";

export const router: Router = createRouter();

addSubredditRoutes(router);
addUserRoutes(router);
addSearchRoutes(router);
addCommentRoutes(router);
