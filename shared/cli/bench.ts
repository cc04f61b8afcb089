import { defineCommand } from "citty";

export const bench = defineCommand({
  meta: {
    name: "bench",
    description: "Measure the kit here, beside stock Crawlee; bench/README.md keeps figures",
  },
  subCommands: {
    overhead: defineCommand({
      meta: { name: "overhead", description: "handled requests/s and CPU a request, with an empty handler" },
      async run() {
        const { benchOverhead } = await import("../../bench/overhead.ts");
        process.exitCode = benchOverhead() ? 0 : 1;
      },
    }),
    throttle: defineCommand({
      meta: {
        name: "throttle",
        description: "how much of strict budgets is used, and how many 429s that costs",
      },
      async run() {
        const { benchThrottle } = await import("../../bench/throttle.ts");
        process.exitCode = (await benchThrottle()) ? 0 : 1;
      },
    }),
    queue: defineCommand({
      meta: { name: "queue", description: "handled requests/s of a queue in Postgres, up to 2 M requests" },
      async run() {
        const { benchQueue } = await import("../../bench/queue.ts");
        process.exitCode = (await benchQueue()) ? 0 : 1;
      },
    }),
    ingest: defineCommand({
      meta: { name: "ingest", description: "posts/s into tables of the old system's size" },
      async run() {
        const { benchIngest } = await import("../../bench/ingest.ts");
        process.exitCode = (await benchIngest()) ? 0 : 1;
      },
    }),
    lists: defineCommand({
      meta: { name: "lists", description: "milliseconds of what dashboards ask, at the old system's size" },
      async run() {
        const { benchLists } = await import("../../bench/lists.ts");
        process.exitCode = (await benchLists()) ? 0 : 1;
      },
    }),
    api: defineCommand({
      meta: { name: "api", description: "requests/s and latencies of the server, at the old system's size" },
      async run() {
        const { benchApi } = await import("../../bench/api.ts");
        process.exitCode = (await benchApi()) ? 0 : 1;
      },
    }),
    launch: defineCommand({
      meta: { name: "launch", description: "how soon runs start and end when they are asked to" },
      async run() {
        const { benchLaunch } = await import("../../bench/launch.ts");
        process.exitCode = (await benchLaunch()) ? 0 : 1;
      },
    }),
    "throttle-shared": defineCommand({
      meta: {
        name: "throttle-shared",
        description: "how much of strict budgets four processes use together, one of them killed",
      },
      async run() {
        const { benchThrottleShared } = await import("../../bench/throttle-shared.ts");
        process.exitCode = (await benchThrottleShared()) ? 0 : 1;
      },
    }),
  },
});
