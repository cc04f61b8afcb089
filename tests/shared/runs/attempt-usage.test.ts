import { expect, it } from "vitest";
import { AttemptUsage } from "../../../shared/runs/attempt-usage.ts";

const tree = (memoryBytes: number, cpuMs: number) => ({ pids: [1], memoryBytes, cpuMs });

it("has current, average and highest memory and processor use", () => {
  const usage = new AttemptUsage({}, 0);
  usage.sample(tree(100, 500), 1_000);
  usage.sample(tree(300, 1_500), 2_000);
  expect(usage.stats(2_000)).toEqual({
    memCurrentBytes: 300,
    memAvgBytes: 200,
    memMaxBytes: 300,
    cpuCurrentUsage: 100,
    cpuAvgUsage: 75,
    cpuMaxUsage: 100,
    samples: 2,
    runTimeSecs: 2,
  });
});

it("goes on from earlier attempts, and what a part of the run had used before it ended does not count against it", () => {
  const usage = new AttemptUsage({ samples: 3, memAvgBytes: 200, memMaxBytes: 900, runTimeSecs: 10 }, 5_000);
  usage.sample(tree(400, 900), 6_000);
  usage.sample(tree(400, 100), 7_000);
  expect(usage.stats(7_500)).toMatchObject({
    memAvgBytes: 280,
    memMaxBytes: 900,
    cpuCurrentUsage: 0,
    samples: 5,
    runTimeSecs: 12.5,
  });
});
