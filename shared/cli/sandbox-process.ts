import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { SandboxOptions } from "../../sandbox/sandbox.ts";
import { childEnvironment } from "../child-environment.ts";
import type { Config } from "../config.ts";
import { InvalidInputError } from "../errors.ts";
import { prove, readSandboxSecret, SANDBOX_SECRET_FILE } from "./sandbox-secret.ts";
import { type SandboxEnv, toSandboxSettings } from "./sandbox-settings.ts";

/** A stand-in world that a command crawls. */
export interface SandboxWorld {
  /** Where it listens. */
  url: string;
  /** Settings that point every source at it. */
  env: Record<string, string>;
  /** Ends it if this process started it. */
  leave(): Promise<void>;
}

const CLI = path.resolve(import.meta.dirname, "main.ts");
/** Whoever listens there and is no stand-in may be slow, and say a lot. */
const JOIN_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Joins the stand-in on `SANDBOX_PORT`, or starts one there that ends with this process, however it ends.
 * @throws {InvalidInputError} when somebody else listens there
 */
export async function useSandbox({ sandboxPort, sandboxTimeScale }: Config): Promise<SandboxWorld> {
  const url = `http://127.0.0.1:${sandboxPort}`;
  const running = sandboxPort === 0 ? null : await joinSandbox(url);
  if (running) return describeWorld(url, running, null);
  return startSandboxWorld({ port: sandboxPort, timeScale: sandboxTimeScale });
}

/** Starts a stand-in of its own in a process of its own; it ends with this process, however that ends. */
export async function startSandboxWorld(options: SandboxOptions): Promise<SandboxWorld> {
  const { url, process: child, ...world } = await startSandboxProcess(options);
  return describeWorld(url, world, child);
}

async function describeWorld(
  url: string,
  told: SandboxEnv,
  child: ChildProcess | null,
): Promise<SandboxWorld> {
  const { env, identities } = toSandboxSettings(told);
  const folder = await mkdtemp(path.join(os.tmpdir(), "b9-sandbox-"));
  const identitiesFile = path.join(folder, "identities.json");
  await writeFile(identitiesFile, JSON.stringify(identities), { mode: 0o600 });
  return {
    url,
    env: { ...env, IDENTITIES_FILE: identitiesFile },
    async leave() {
      child?.kill("SIGTERM");
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * What the stand-in there tells; `null` when nothing listens. It proves that it was started from this checkout, by the
 * same user: another program on the port would be believed whatever it says.
 * @throws {InvalidInputError} when it does not
 */
async function joinSandbox(url: string): Promise<SandboxEnv | null> {
  const secret = await readSandboxSecret();
  const nonce = randomBytes(16).toString("hex");
  let text: string;
  try {
    const response = await fetch(`${url}/_sandbox/env?nonce=${nonce}`, {
      redirect: "error",
      signal: AbortSignal.timeout(JOIN_TIMEOUT_MS),
    });
    text = response.ok ? await readStart(response) : "";
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === "ECONNREFUSED") return null;
    text = "";
  }
  const { proof, ...world } = parseAnswer(text);
  if (secret !== null && isProven(proof, prove(secret, nonce + JSON.stringify(world))))
    return world as SandboxEnv;
  const unusable = secret === null ? ` (${SANDBOX_SECRET_FILE} cannot be used: remove it)` : "";
  throw new InvalidInputError(
    `SANDBOX_PORT: what listens on ${url} does not prove to be a stand-in world of this checkout${unusable}; end it, or set SANDBOX_PORT to another port, 0 for a free one`,
  );
}

async function readStart({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    parts.push(part);
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) return "";
  }
  return Buffer.concat(parts).toString();
}

function parseAnswer(text: string): Partial<SandboxEnv> & { proof?: unknown } {
  try {
    return { ...(JSON.parse(text) as object) };
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function isProven(proof: unknown, expected: string): boolean {
  return (
    typeof proof === "string" &&
    proof.length === expected.length &&
    timingSafeEqual(Buffer.from(proof.padEnd(expected.length)), Buffer.from(expected))
  );
}

/** Not in this process: the site's work would slow the crawl's. */
async function startSandboxProcess(
  options: SandboxOptions,
): Promise<SandboxEnv & { process: ChildProcess; url: string }> {
  const args = ["sandbox", "--options", JSON.stringify(options), "--json", "--attached"];
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: childEnvironment(),
  });
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    once(lines, "line").then(([text]) => text as string),
    once(child, "exit").then(([code]) => {
      throw new Error(`the sandbox ended with code ${code} before it listened`);
    }),
  ]);
  lines.close();
  child.stdout.resume();
  // Neither the child nor its pipes keep this process alive.
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref();
  // It is our own: what it says on its output nobody else can say.
  return { process: child, ...(JSON.parse(line) as SandboxEnv & { url: string }) };
}
