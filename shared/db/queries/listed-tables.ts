import { ALERTS } from "./alerts.ts";
import { CREATORS } from "./instagram-creators.ts";
import { INSTAGRAM_POSTS, INSTAGRAM_REELS } from "./instagram-media.ts";
import { LOGS } from "./logs.ts";
import { POSTS } from "./reddit-posts.ts";
import { SUBREDDITS } from "./reddit-subreddits.ts";
import { USERS } from "./reddit-users.ts";

/** The tables that the API lists. */
export const LISTED_TABLES: readonly string[] = [
  ALERTS,
  CREATORS,
  INSTAGRAM_POSTS,
  INSTAGRAM_REELS,
  LOGS,
  POSTS,
  SUBREDDITS,
  USERS,
].map(({ name }) => name);
