import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const OUTPUT = path.resolve(import.meta.dirname, "../../shared/output.ts");
const LOG = path.resolve(import.meta.dirname, "../../shared/log.ts");

/** Runs `code` as a program; its standard output and error are those given. */
async function run(code: string, stdout: number | "pipe", stderr: number | "pipe") {
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", stdout, stderr],
  });
  const told = child.stderr?.toArray();
  child.stdout?.destroy();
  const [exitCode] = (await once(child, "close")) as [number];
  return { exitCode, told: Buffer.concat((await told) ?? []).toString() };
}

const LOGS = `
  import { createLogger } from ${JSON.stringify(LOG)};
  const log = createLogger({ level: "info", pretty: false });
  for (let n = 0; n < 2_000; n++) log.info("x".repeat(100));
  process.exitCode = 7;`;

it("a process whose log cannot be written goes on", async () => {
  const full = openSync("/dev/full", "w");
  expect((await run(LOGS, "pipe", full)).exitCode).toBe(7);
  closeSync(full);
  const unread = spawn(process.execPath, ["--input-type=module", "-e", LOGS], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  unread.stderr.destroy();
  expect((await once(unread, "close"))[0]).toBe(7);
});

const PRINTS = (isPrinter: boolean) => `
  import { surviveOutput } from ${JSON.stringify(OUTPUT)};
  surviveOutput({ isPrinter: ${isPrinter} });
  const timer = setInterval(() => process.stdout.write("x\\n"), 5);
  setTimeout(() => { clearInterval(timer); process.exitCode = 7; }, 400);`;

it("what works goes on without its reader, what only prints ends quietly", async () => {
  expect(await run(PRINTS(false), "pipe", "pipe")).toEqual({ exitCode: 7, told: "" });
  expect(await run(PRINTS(true), "pipe", "pipe")).toEqual({ exitCode: 0, told: "" });
});

it("says once that results are missing for want of room", async () => {
  const full = openSync("/dev/full", "w");
  const code = PRINTS(true).replace("process.exitCode = 7;", "");
  const { exitCode, told } = await run(code, full, "pipe");
  closeSync(full);
  expect(exitCode).toBe(1);
  expect(told).toMatch(/^standard output cannot be written: ENOSPC.*\n$/);
});
