import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { SandboxOptions } from "../../sandbox/sandbox.ts";
import type { Config } from "../config.ts";
import { InvalidInputError } from "../errors.ts";

/** A stand-in world that a command crawls. */
export interface SandboxWorld {
  /** Where it listens. */
  url: string;
  /** Settings that point every source at it. */
  env: Record<string, string>;
  /** Ends it if this process started it. */
  leave(): Promise<void>;
}

interface SandboxEnv {
  env: Record<string, string>;
  /** Content for `IDENTITIES_FILE`. */
  identities: unknown;
}

const CLI = path.resolve(import.meta.dirname, "main.ts");

/** Joins the stand-in on `SANDBOX_PORT`, or starts one there that ends with this process, however it ends. */
export async function useSandbox({ sandboxPort, sandboxTimeScale }: Config): Promise<SandboxWorld> {
  const url = `http://127.0.0.1:${sandboxPort}`;
  const running = sandboxPort === 0 ? null : await readSandboxEnv(url);
  if (running) return describeWorld(url, running, null);
  return startSandboxWorld({ port: sandboxPort, timeScale: sandboxTimeScale });
}

/** Starts a stand-in of its own in a process of its own; it ends with this process, however that ends. */
export async function startSandboxWorld(options: SandboxOptions): Promise<SandboxWorld> {
  const child = await startSandboxProcess(options);
  const world = await readSandboxEnv(child.url);
  if (!world) throw new Error(`the sandbox at ${child.url} does not answer`);
  return describeWorld(child.url, world, child.process);
}

async function describeWorld(
  url: string,
  world: SandboxEnv,
  child: ChildProcess | null,
): Promise<SandboxWorld> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "b9-sandbox-"));
  const identitiesFile = path.join(folder, "identities.json");
  await writeFile(identitiesFile, JSON.stringify(world.identities), { mode: 0o600 });
  return {
    url,
    env: { ...world.env, IDENTITIES_FILE: identitiesFile },
    async leave() {
      child?.kill("SIGTERM");
      await rm(folder, { recursive: true });
    },
  };
}

/** `null` when nothing listens there; an error when what listens is not a sandbox. */
async function readSandboxEnv(url: string): Promise<SandboxEnv | null> {
  let response: Response;
  try {
    response = await fetch(`${url}/_sandbox/env`);
  } catch {
    return null;
  }
  if (!response.ok)
    throw new InvalidInputError(`SANDBOX_PORT: something else than the sandbox listens on ${url}`);
  return (await response.json()) as SandboxEnv;
}

/** Not in this process: the site's work would slow the crawl's. */
async function startSandboxProcess(options: SandboxOptions): Promise<{ process: ChildProcess; url: string }> {
  const args = ["sandbox", "--options", JSON.stringify(options), "--json", "--attached"];
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data: Buffer) => resolve(data.toString()));
    child.once("exit", (code) => reject(new Error(`the sandbox ended with code ${code} before it listened`)));
  });
  child.stdout.resume();
  // Neither the child nor its pipes keep this process alive.
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref();
  return { process: child, url: (JSON.parse(line) as { url: string }).url };
}
