import { defineActor } from "../../shared/crawl/define-actor.ts";
import { readIdentitySpecs } from "../../shared/crawl/identities-file.ts";
import { Input } from "./input.ts";
import { startRequests } from "./requests.ts";
import { router } from "./routes.ts";
import { createRedditSite } from "./site.ts";
import { countBySubject, estimateRequests, subjectOf, targets } from "./summary.ts";

export const actor = defineActor({
  name: "reddit",
  title: "Reddit",
  description: "Subreddits, posts, comments, users and searches of Reddit, by its own API.",
  input: Input,
  router,
  startRequests,
  estimateRequests,
  subjectOf,
  targets,
  countBySubject,
  primaryDataset: "reddit_posts",
  datasets: ["reddit_posts", "reddit_subreddits", "reddit_users", "reddit_comments", "reddit_discoveries"],
  due: { select: "due_subreddits", into: "subreddits" },
  resources: { memoryMbytes: 1024, timeoutSecs: 0, maxConcurrency: 20 },
  site: (config, { source }) => ({
    site: createRedditSite(config, source),
    identities: readIdentitySpecs(config),
  }),
});
