import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { Input } from "../../actors/reddit/input.ts";
import { actor } from "../../actors/reddit/main.ts";
import { estimateRequests } from "../../actors/reddit/summary.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });

it.each([
  { count: 10, input: {} },
  { count: 50, input: {} },
  { count: 10, input: { authors: "none", rules: false, listings: [{ sort: "new" }] } },
])("the estimate for $count subreddits is near what the site counts: $input", async ({ count, input }) => {
  const sandbox = await startSandbox({ seed: 2, budgetRequests: 100_000, postsPerSubreddit: 150 });
  onTestFinished(() => sandbox.close());
  const truth = async (path: string) => (await fetch(`${sandbox.url}/_sandbox/${path}`)).json();
  const { names } = (await truth(`truth?count=${count}`)) as { names: string[] };
  const whole = { ...input, subreddits: names };
  await runActor(actor, { config: await testConfig(sandbox.env), log, input: whole });

  const asked = ((await truth("log")) as { path: string }[]).filter(({ path }) => path.startsWith("/oauth"));
  const estimate = estimateRequests(Input.parse(whole));
  expect(estimate).toBeGreaterThan(0.7 * asked.length);
  expect(estimate).toBeLessThan(1.3 * asked.length);
});
