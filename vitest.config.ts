import { defineConfig } from "vitest/config";

const INTEGRATION = "tests/integration/**/*.test.ts";

export default defineConfig({
  test: {
    reporters: ["default", "./tests/plain-reporter.ts"],
    projects: [
      { test: { name: "unit", include: ["tests/**/*.test.ts"], exclude: [INTEGRATION] } },
      { test: { name: "integration", include: [INTEGRATION], testTimeout: 60_000, hookTimeout: 60_000 } },
    ],
  },
});
