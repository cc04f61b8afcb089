import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { compareWithTruth, DEFAULT_LISTINGS } from "../../shared/cli/compare-truth.ts";
import { requestId } from "../../shared/crawl/local/request-id.ts";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { temporaryFolder } from "./test-site.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const KILLS = 5;
interface LogEntry {
  seq: number;
  path: string;
  status: number;
  fault: string | null;
}

function b9(args: string[], env: Record<string, string>) {
  const child = spawn(path.join(ROOT, "b9"), args, {
    env: { PATH: process.env["PATH"]!, LOG_LEVEL: "error", ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal!)),
  );
  return { child, ended };
}

/** URLs of the requests whose commits a journal holds. */
async function committedUrls(storageDir: string): Promise<string[]> {
  const text = await readFile(path.join(storageDir, "request_queues/reddit/journal.jsonl"), "utf8");
  const lines = text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const urls = new Map<string, string>();
  for (const { requests, children } of lines) {
    for (const request of [requests, children].flat().filter(Boolean) as NewRequest[]) {
      urls.set(requestId(request.uniqueKey), new URL(request.url).pathname + new URL(request.url).search);
    }
  }
  return lines.flatMap(({ request }) => (typeof request === "string" ? [urls.get(request)!] : []));
}

it("loses and doubles nothing when it is killed at any moment and resumed", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sandbox = await startSandbox({
    seed: 3,
    subreddits: 60,
    users: 600,
    faults: [{ kind: "slow_headers", rate: 1, delay_ms: 40 }],
  });
  cleanup.defer(() => sandbox.close());
  const storageDir = await temporaryFolder();
  const env = { ...sandbox.env, STORAGE_DIR: storageDir, MAX_CONCURRENCY: "8" };
  const { names } = (await (await fetch(`${sandbox.url}/_sandbox/truth?count=30`)).json()) as {
    names: string[];
  };
  const input = JSON.stringify({ subreddits: names, discover: true });
  const readLog = async () => (await (await fetch(`${sandbox.url}/_sandbox/log`)).json()) as LogEntry[];

  for (let kill = 0; kill < KILLS; kill++) {
    const before = (await readLog()).length;
    const { child, ended } = b9(
      ["crawl", "reddit", "--input", input, ...(kill > 0 ? ["--resume"] : [])],
      env,
    );
    while ((await readLog()).length < before + 5 && child.exitCode === null) await sleep(20);
    await sleep(Math.random() * 400);
    child.kill("SIGKILL");
    await ended;
    const committed = new Set(await committedUrls(storageDir));
    const seq = (await readLog()).at(-1)!.seq;
    cleanup.defer(async () => {
      const later = (await readLog()).filter((entry) => entry.seq > seq);
      const again = later.filter(({ path: asked }) =>
        committed.has(asked.replace("/oauth", "").replace(/[?&]raw_json=1/, "")),
      );
      expect(again.map((entry) => entry.path)).toEqual([]);
    });
  }
  const { ended } = b9(["crawl", "reddit", "--resume"], env);
  expect(await ended).toBe(0);
  const comparisons = await compareWithTruth(sandbox.url, storageDir, {
    names,
    listings: DEFAULT_LISTINGS,
    isWhole: true,
  });
  for (const { differences } of comparisons) expect(differences).toEqual([]);
});

it("goes on after it was stopped for longer than MAX_STALL_SECS, as a machine that slept", async () => {
  await using cleanup = new AsyncDisposableStack();
  const sandbox = await startSandbox({ subreddits: 20, users: 100, budgetRequests: 10, budgetSecs: 5 });
  cleanup.defer(() => sandbox.close());
  const { names } = (await (await fetch(`${sandbox.url}/_sandbox/truth?count=8`)).json()) as {
    names: string[];
  };
  const input = JSON.stringify({ subreddits: names, authors: "none", listings: [{ sort: "new", limit: 1 }] });
  const settings = { STORAGE_DIR: await temporaryFolder(), MAX_STALL_SECS: "6" };
  const { child, ended } = b9(["crawl", "reddit", "--input", input], { ...sandbox.env, ...settings });
  const sent = async () => ((await (await fetch(`${sandbox.url}/_sandbox/log`)).json()) as unknown[]).length;
  // From here on it waits for the next window.
  while ((await sent()) < 10) await sleep(50);
  child.kill("SIGSTOP");
  await sleep(9_000);
  child.kill("SIGCONT");
  expect(await ended).toBe(0);
  expect(await sent()).toBeGreaterThan(10);
});
