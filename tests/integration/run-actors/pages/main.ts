import { spawn } from "node:child_process";
import { z } from "zod";
import { defineActor } from "../../../../shared/crawl/define-actor.ts";
import { createRouter } from "../../../../shared/crawl/router.ts";
import type { Site } from "../../../../shared/crawl/site.ts";
import { Input } from "./input.ts";

const router = createRouter();
router.addHandler("PAGE", {
  userData: z.object({ trouble: z.string().optional() }),
  handle: async ({ request, pushData }) => {
    if (request.userData.trouble) TROUBLES[request.userData.trouble as keyof typeof TROUBLES]();
    await pushData({ reddit_id: new URL(request.url).pathname }, "reddit_posts");
  },
});

const kept: unknown[] = [];
const TROUBLES = {
  // Outside the handler: nobody catches it.
  throw: () =>
    void setImmediate(() => {
      throw new TypeError("the middle is missing \u0000\ud800");
    }),
  exit: () => process.exit(7),
  heap: () => {
    for (;;) kept.push(Array.from({ length: 1e5 }, () => ({})));
  },
  memory: () => {
    kept.push(Buffer.alloc(400 * 1024 * 1024, 1));
  },
  // As a browser is started: leader of a group of its own.
  browser: () => {
    spawn("sleep", ["300"], { detached: true, stdio: "inherit" });
  },
  // Leaves its session, its parent, and in the second case its environment.
  daemon: () => {
    spawn("sh", ["-c", "setsid nohup sleep 3127 &"], { stdio: "ignore" });
  },
  stranger: () => {
    spawn("sh", ["-c", "env -i setsid sleep 3128 &"], { stdio: "ignore" });
  },
  flood: () => {
    process.stdout.write("\n".repeat(300_000));
    process.stderr.write("ü".repeat(1_000_000));
  },
  odd: () => {
    for (const message of [
      "ready",
      null,
      { type: "progress", progress: { at: new Date() } },
      { type: "result" },
    ])
      process.send!(message);
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    for (const fields of [
      `"a":${deep}`,
      '"msg":{"toString":1}',
      '"a":1e999',
      '"time":"+200000-01-01T00:00:00Z"',
    ])
      process.stderr.write(`{"level":"warn",${fields}}\n`);
  },
  // Hears nothing any more.
  deaf: () => {
    for (;;);
  },
};

const site: Site = {
  name: "test",
  needsToken: false,
  rules: {},
  wireRequest: (url) => ({ url, headers: {} }),
  readBudget: () => null,
};

export const actor = defineActor({
  name: "pages",
  title: "Pages",
  description: "one item a page",
  input: Input,
  router,
  startRequests: ({ origin, pages, names, trouble }) =>
    names.flatMap((name) =>
      Array.from({ length: pages }, (_, page) => {
        const url = `${origin}/${name}-${page}`;
        const isMiddle = trouble && page === Math.floor(pages / 2);
        return { url, uniqueKey: url, label: "PAGE", userData: isMiddle ? { trouble } : {} };
      }),
    ),
  primaryDataset: "reddit_posts",
  datasets: ["reddit_posts"],
  resources: { memoryMbytes: 300, timeoutSecs: 0, maxConcurrency: 4 },
  site: () => ({ site, identities: [{ name: "test", userAgent: "b9-test", proxies: [] }] }),
});
