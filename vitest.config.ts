import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const INTEGRATION = "tests/integration/**/*.test.ts";

export default defineConfig({
  test: {
    // Most of the time goes by in waits for budgets and backoff: half the cores, as vitest has it, would idle.
    maxWorkers: Math.max(2, availableParallelism()),
    reporters: ["default", "./tests/plain-reporter.ts"],
    projects: [
      { test: { name: "unit", include: ["tests/**/*.test.ts"], exclude: [INTEGRATION] } },
      { test: { name: "integration", include: [INTEGRATION], testTimeout: 60_000, hookTimeout: 60_000 } },
    ],
  },
});
