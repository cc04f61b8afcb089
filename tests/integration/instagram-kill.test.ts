import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { compareWithWorld, startWorld } from "./instagram-world.ts";
import { items, testConfig } from "./test-site.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const KILLS = 3;

it("has every item once when it is killed and resumed", async () => {
  const world = await startWorld({
    instagram: { creators: 20 },
    faults: [{ kind: "slow_headers", delay_ms: 60 }],
  });
  const config = await testConfig(world.env);
  const input = JSON.stringify({ ids: world.ids, related: true, posts: 24, reels: 36 });
  const crawl = (args: string[]) =>
    spawn(path.join(ROOT, "b9"), ["crawl", "instagram", ...args], {
      env: {
        PATH: process.env["PATH"]!,
        ...world.env,
        LOG_LEVEL: "error",
        STORAGE_DIR: config.storageDir,
        MAX_CONCURRENCY: "4",
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
  const calls = async () => (await world.calls("/looter2")).length;
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await calls();
    const child = crawl(["--input", input, ...(kill > 0 ? ["--resume"] : [])]);
    const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
    while ((await calls()) < before + 15) await sleep(50);
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
  }
  const last = crawl(["--input", input, "--resume"]);
  expect(await new Promise((resolve) => last.once("exit", resolve))).toBe(0);
  const wanted = { creators: world.ids, posts: 24, reels: 36, related: true };
  expect(await compareWithWorld(world, config, wanted)).toEqual([]);
  for (const dataset of ["instagram_posts", "instagram_reels"]) {
    const ids = (await items(config, dataset)).map(({ media_id }) => media_id);
    expect(new Set(ids).size).toBe(ids.length);
  }
});
