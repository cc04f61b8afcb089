import type { Reporter, TestModule } from "vitest/node";

/** Ends a test run with one plain line for machines: `12 passed, 0 failed, 1 skipped`. */
export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()].map((test) => test.result().state);
      for (const state of tests) if (state !== "pending") counts[state]++;
      // A file that could not even be loaded has no tests to count.
      if (tests.length === 0 && !module.ok()) counts.failed++;
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}
