import { defineActor } from "../../shared/crawl/define-actor.ts";
import { Input } from "./input.ts";
import { toPlan } from "./plan.ts";
import { startRequests } from "./requests.ts";
import { router } from "./routes.ts";
import { createSites } from "./site.ts";
import { countBySubject, estimateRequests, subjectOf, targets } from "./summary.ts";

export const actor = defineActor({
  name: "instagram",
  title: "Instagram",
  description: "Creators of Instagram with their posts, reels, figures and the creators beside them.",
  input: Input,
  router,
  startRequests,
  estimateRequests,
  subjectOf,
  targets,
  countBySubject,
  primaryDataset: "instagram_posts",
  datasets: ["instagram_posts", "instagram_reels", "instagram_creators", "instagram_related"],
  due: { select: "due_creators", into: "creators" },
  resources: { memoryMbytes: 1024, timeoutSecs: 0, maxConcurrency: 20 },
  site: (config, input) => createSites(config, toPlan(input, config).sources),
});
