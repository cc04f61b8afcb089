import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    reporters: ["default", "./tests/plain-reporter.ts"],
    // The children that tests start need the repository as their folder.
    root: import.meta.dirname,
    projects: [
      {
        extends: true,
        test: {
          reporters: ["default", "./tests/plain-reporter.ts"],
          name: "unit",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/integration/**"],
        },
      },
      {
        extends: true,
        test: {
          reporters: ["default", "./tests/plain-reporter.ts"],
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 30_000,
        },
      },
    ],
  },
});
