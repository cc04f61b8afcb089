import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { childEnvironment } from "../child-environment.ts";
import { describeConfig } from "../config.ts";

/** A server with a worker and a database of its own, in a temporary folder: nothing of the user's is touched. */
export interface DemoServer {
  url: string;
  pid: number;
  /** An admin token. */
  token: string;
  /** Ends it, and removes what it has left. */
  close(): Promise<void>;
}

const B9 = path.resolve(import.meta.dirname, "../../b9");

/** Settings that a `.env` of the user's may have and that would lead somewhere else; empty is unset. */
const UNSET = ["DATABASE_URL", "HTTPS_CERT", "HTTPS_KEY", "ALERT_WEBHOOK_URL", "PROXY_URLS", "CORS_ORIGINS"];

/** @param settings that differ: those that point every source at the stand-in world, say */
export async function startDemoServer(settings: Record<string, string>): Promise<DemoServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "b9-demo-"));
  // The database runs as a user of its own when this one is root.
  await chmod(folder, 0o755);
  const token = randomBytes(24).toString("hex");
  const env = {
    LOG_LEVEL: "error",
    ...childEnvironment(
      {},
      describeConfig().map(({ env: name }) => name),
    ),
    ...Object.fromEntries(UNSET.map((name) => [name, ""])),
    DATABASE_DIR: path.join(folder, "database"),
    STORAGE_DIR: path.join(folder, "storage"),
    HOST: "127.0.0.1",
    PORT: "0",
    API_TOKEN: token,
    ...settings,
  };
  const child = spawn(B9, ["up", "--json", "--attached"], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const line = await Promise.race([
    once(child.stdout, "data").then(([data]) => String(data)),
    ended.then(([code]) => Promise.reject(new Error(`the server ended with code ${code} before it served`))),
  ]);
  child.stdout.resume();
  return {
    url: (JSON.parse(line) as { url: string }).url,
    pid: child.pid!,
    token,
    async close() {
      child.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
