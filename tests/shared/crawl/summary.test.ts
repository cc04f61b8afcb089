import { z } from "zod";
import { expect, it } from "vitest";
import { defineActor } from "../../../shared/crawl/define-actor.ts";
import { createRouter } from "../../../shared/crawl/router.ts";
import type { Item } from "../../../shared/crawl/run-storage.ts";
import { CrawlStats } from "../../../shared/crawl/stats.ts";
import { summarize } from "../../../shared/crawl/summary.ts";

const actor = defineActor({
  name: "test",
  title: "Test",
  description: "counts what a test says",
  input: z.object({ subreddits: z.array(z.string()), users: z.array(z.string()) }),
  router: createRouter(),
  startRequests: () => [],
  targets: ({ subreddits, users }) => ({ subreddits, users }),
  countBySubject: async () => ({ "r/read": { posts: 3 }, "r/empty": { posts: 0 } }),
  primaryDataset: "reddit_posts",
  datasets: ["reddit_posts"],
  resources: { memoryMbytes: 1024, timeoutSecs: 0, maxConcurrency: 20 },
  site: () => {
    throw new Error("nothing is crawled");
  },
});

const gone = (subject: string | null, availability: string | null): Item => ({
  subject,
  outcome: "gone",
  reason: "User not found",
  availability,
});

async function messageOf(
  { subreddits = [], users = [] }: { subreddits?: string[]; users?: string[] },
  failed: Item[],
): Promise<string> {
  const counts = { total: 1, pending: 0, claimed: 0, delayed: 0, handled: 1, failed: failed.length };
  const result = { end: "finished", reason: null, counts } as const;
  const { status, statusMessage } = await summarize(result, new CrawlStats(), {
    actor,
    input: { subreddits, users },
    runId: null,
    startedAt: new Date(),
    finishedAt: new Date(),
    durationMs: 1,
    items: {},
    read: async function* (dataset) {
      if (dataset === "failed_requests") yield* failed;
    },
  });
  expect(status).toBe("SUCCEEDED");
  return statusMessage;
}

it.each<[string, { subreddits?: string[]; users?: string[] }, Item[]]>([
  ["all requests are done", { subreddits: ["r/a"] }, []],
  ["1 of 1 users not found", { users: ["u/a"] }, [gone("u/a", "not_found"), gone("u/a", null)]],
  ["1 of 3 subreddits private; 2 done", { subreddits: ["r/a", "r/b", "r/c"] }, [gone("r/b", "private")]],
  [
    "3 of 4 subreddits: 2 private, 1 banned; 1 done; 1 of 1 users suspended",
    { subreddits: ["r/a", "r/b", "r/c", "r/d"], users: ["u/a"] },
    [gone("r/a", "banned"), gone("r/b", "private"), gone("r/c", "private"), gone("u/a", "suspended")],
  ],
  // A listing that is not there, of a subreddit that was read; rules that nobody may see.
  [
    "2 of 2 subreddits incomplete",
    { subreddits: ["r/read", "r/other"] },
    [gone("r/read", "not_found"), gone("r/other", null)],
  ],
  ["1 of 1 subreddits banned", { subreddits: ["r/empty"] }, [gone("r/empty", "banned")]],
  // People seen in listings, and entries that cannot be read.
  ["2 in failed_requests", { subreddits: ["r/a"] }, [gone("u/x", "suspended"), gone(null, null)]],
  [
    "1 of 2 subreddits incomplete; 1 done; 1 more in failed_requests; 2 of them for faults of this program",
    { subreddits: ["r/a", "r/b"] },
    [
      { subject: "r/a", outcome: "handlerError", reason: "Error", availability: null },
      { subject: null, outcome: "handlerError", reason: "Error", availability: null },
    ],
  ],
])("a run's message says what came of its targets: %s", async (message, input, failed) => {
  expect(await messageOf(input, failed)).toBe(message);
});
