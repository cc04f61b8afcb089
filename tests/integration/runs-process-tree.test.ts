import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { readProcessTrees } from "../../shared/runs/process-tree.ts";

it("knows the memory and time of a process and of what it has started, in whatever session", async () => {
  const script = `
    const { spawn } = require("child_process");
    const child = spawn("sleep", ["60"], { detached: true });
    let n = 0;
    while (process.cpuUsage().user < 250_000) n++;
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const root = spawn(process.execPath, ["-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const [line] = (await once(root.stdout, "data")) as [Buffer];
  const sleeper = Number(line.toString());
  onTestFinished(() => {
    process.kill(sleeper, "SIGKILL");
    root.kill("SIGKILL");
  });
  const trees = readProcessTrees([root.pid!, 999_999_999]);
  const tree = trees.get(root.pid!)!;
  expect(tree.pids.sort()).toEqual([root.pid!, sleeper].sort());
  expect(tree.memoryBytes).toBeGreaterThan(20_000_000);
  expect(tree.cpuMs).toBeGreaterThan(150);
  expect(trees.get(999_999_999)).toEqual({ pids: [], memoryBytes: 0, cpuMs: 0 });
});
