import { mkdir } from "node:fs/promises";
import path from "node:path";
import { defineCommand } from "citty";
import { actor } from "../../actors/reddit/main.ts";
import type { SandboxOptions } from "../../sandbox/sandbox.ts";
import { readConfig } from "../config.ts";
import { runActor } from "../crawl/run-actor.ts";
import { InvalidInputError } from "../errors.ts";
import { compareWithTruth, DEFAULT_LISTINGS, type Comparison } from "./compare-truth.ts";
import { formatSummary } from "./format-summary.ts";
import { startSandboxWorld } from "./sandbox-process.ts";

/** Two client ids, two proxies, and a site with a bad day. */
function worldOf(subreddits: number): SandboxOptions {
  return {
    port: 0,
    seed: 25,
    subreddits: subreddits * 2,
    users: subreddits * 40,
    postsPerSubreddit: 150,
    faults: [
      { kind: "status", status: 503, rate: 0.04 },
      { kind: "status", status: 429, rate: 0.02, retry_after_secs: 1 },
      { kind: "truncated_json", rate: 0.03 },
      { kind: "html_instead_of_json", rate: 0.02 },
      { kind: "reset", rate: 0.02 },
      { kind: "empty_body", rate: 0.01 },
      { kind: "revoke_token", rate: 1, times: 1, match: "/hot" },
    ],
  };
}

const MAX_SUBREDDITS = 2_000;
const SHOWN_DIFFERENCES = 20;

export const demo = defineCommand({
  meta: {
    name: "demo",
    description:
      "Crawl subreddits of a stand-in Reddit under faults, and compare every field with its ground truth",
  },
  args: {
    subreddits: { type: "string", description: "how many", default: "25" },
  },
  async run({ args }) {
    const subreddits = Number(args.subreddits);
    if (!Number.isInteger(subreddits) || subreddits < 1 || subreddits > MAX_SUBREDDITS) {
      throw new InvalidInputError(
        `--subreddits: expected a whole number from 1 to ${MAX_SUBREDDITS}, got ${JSON.stringify(args.subreddits)}`,
      );
    }
    const world = await startSandboxWorld(worldOf(subreddits));
    try {
      const storageDir = path.join(readConfig().storageDir, "demo");
      await mkdir(storageDir, { recursive: true });
      const config = readConfig({
        LOG_LEVEL: "error",
        ...process.env,
        ...world.env,
        STORAGE_DIR: storageDir,
      });
      const names = await readNames(world.url, subreddits);
      print(
        `\nCrawling ${names.length} subreddits of the stand-in Reddit at ${world.url}: two client ids, two proxies,`,
      );
      print("about one answer in eight broken, and a token revoked on the way …");
      const { exitCode, summary } = await runActor(actor, {
        config,
        input: { subreddits: names, discover: true },
      });
      if (summary) process.stdout.write(formatSummary(summary, storageDir));
      const perSubreddit = summary ? (summary.requestsSent / names.length).toFixed(1) : "–";
      print(
        `  ${perSubreddit} requests a subreddit, retries included; ./b9 export reddit_posts --storage ${storageDir} --format csv`,
      );
      const comparisons = await compareWithTruth(world.url, storageDir, {
        names,
        listings: DEFAULT_LISTINGS,
        isWhole: true,
      });
      const isRight = comparisons.map(report).every(Boolean) && exitCode === 0;
      print(
        isRight
          ? "\nThe crawl equals the ground truth, field by field.\n"
          : "\nThe crawl DIFFERS from the ground truth.\n",
      );
      process.exitCode = isRight ? 0 : 1;
    } finally {
      await world.leave();
    }
  },
});

async function readNames(url: string, count: number): Promise<string[]> {
  const response = await fetch(`${url}/_sandbox/truth?count=${count}`);
  return ((await response.json()) as { names: string[] }).names;
}

function report({ dataset, expected, found, differences }: Comparison): boolean {
  const verdict = differences.length === 0 ? "equal in every field" : `${differences.length} DIFFERENCES`;
  print(`  ${dataset}: ${found} found, ${expected} in the ground truth, ${verdict}`);
  for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) print(`    ${difference}`);
  return differences.length === 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
