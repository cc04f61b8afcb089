import { defineActor } from "../../shared/crawl/define-actor.ts";
import { readIdentitySpecs } from "../../shared/crawl/identities-file.ts";
import { Input } from "./input.ts";
import { startRequests } from "./requests.ts";
import { router } from "./routes.ts";
import { createRedditSite } from "./site.ts";

export const actor = defineActor({
  name: "reddit",
  title: "Reddit",
  description: "Subreddits and their posts, by Reddit's own API.",
  input: Input,
  router,
  startRequests,
  primaryDataset: "reddit_posts",
  datasets: ["reddit_posts", "reddit_subreddits"],
  site: (config, { source }) => ({
    site: createRedditSite(config, source),
    identities: readIdentitySpecs(config),
  }),
});
