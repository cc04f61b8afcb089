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
  },
});
