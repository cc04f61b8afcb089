import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startCluster, type TestCluster } from "./db-cluster.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const FIXTURES = path.join(import.meta.dirname, "fixtures");

let cluster: TestCluster;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  cluster = await startCluster();
  const { databaseUrl } = await cluster.createMigratedConfig();
  env = { PATH: process.env["PATH"], DATABASE_URL: databaseUrl, PORT: "0", WORKERS: "0" };
});
afterAll(() => cluster.stop());

let server: ChildProcess | undefined;
afterEach(() => server?.kill("SIGKILL"));

const b9 = (...args: string[]) => promisify(execFile)(path.join(ROOT, "b9"), args, { env, cwd: FIXTURES });

/** @returns where it serves */
async function start(settings: Record<string, string> = {}): Promise<string> {
  server = spawn(path.join(ROOT, "b9"), ["server"], { env: { ...env, ...settings }, cwd: FIXTURES });
  for await (const line of createInterface(server.stderr!)) {
    const url = /serving (https?:\/\/[^"\s]+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error("it ended before it served");
}

describe("b9 server", () => {
  it("ends on SIGTERM with its streams, and exit code 0", async () => {
    const url = await start();
    const stream = await fetch(`${url}/api/events`);
    const exited = once(server!, "exit");
    server!.kill("SIGTERM");
    expect(await stream.text()).toContain("retry:");
    expect(await exited).toEqual([0, null]);
  });

  it("a signal while it starts ends it as one later does, and its Postgres with it", async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), "b9-signal-"));
    await chmod(dir, 0o755);
    const settings = { ...env, DATABASE_URL: "", DATABASE_DIR: dir };
    server = spawn(path.join(ROOT, "b9"), ["server"], { env: settings, cwd: FIXTURES });
    const exited = once(server, "exit");
    const pidFile = path.join(dir, "data/postmaster.pid");
    await vi.waitFor(() => access(pidFile), { timeout: 30_000, interval: 20 });
    server.kill("SIGINT");
    expect(await exited).toEqual([0, null]);
    await expect(access(pidFile)).rejects.toThrow("ENOENT");
    await rm(dir, { recursive: true });
  });

  it("speaks HTTPS with a certificate", async () => {
    const url = await start({
      HTTPS_CERT: path.join(FIXTURES, "localhost.crt"),
      HTTPS_KEY: path.join(FIXTURES, "localhost.key"),
    });
    expect(url).toMatch(/^https:/);
    const ca = await readFile(path.join(FIXTURES, "localhost.crt"));
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    https
      .get(`${url}/health`, { ca, servername: "localhost" }, (response) => {
        resolve(response.statusCode);
        response.resume();
      })
      .on("error", reject);
    expect(await promise).toBe(200);
  });

  it.each([
    [{ HTTPS_CERT: "nowhere.crt", HTTPS_KEY: "nowhere.key" }, /HTTPS_CERT: expected a file/],
    [{ HTTPS_KEY: "nowhere.key" }, /expected both or none/],
    [
      { HTTPS_CERT: "localhost.key", HTTPS_KEY: "localhost.key" },
      /HTTPS_CERT and HTTPS_KEY: expected a cert/,
    ],
    [
      { HTTPS_CERT: "localhost.crt", HTTPS_KEY: "localhost.crt" },
      /HTTPS_CERT and HTTPS_KEY: expected a cert/,
    ],
    [
      { HTTPS_CERT: ".", HTTPS_KEY: "localhost.key" },
      /HTTPS_CERT: expected a file, \. cannot be read: EISDIR/,
    ],
    [{ HOST: "no-such-host.invalid", API_TOKEN: "0123456789abcdef" }, /HOST an address of this machine/],
    [{ IDENTITIES_FILE: "localhost.crt", WORKERS: "1" }, /IDENTITIES_FILE localhost\.crt: not JSON/],
    [{ HOST: "0.0.0.0" }, /HOST: expected a loopback address/],
  ])("refuses to start with %j, in one line", async (settings, message) => {
    const { code, stderr } = await promisify(execFile)(path.join(ROOT, "b9"), ["server"], {
      env: { ...env, ...settings },
      cwd: FIXTURES,
    }).then(
      () => ({ code: 0, stderr: "" }),
      (error: { code: number; stderr: string }) => error,
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("does not take another port than it was told", async () => {
    const url = await start();
    const { port } = new URL(url);
    await expect(
      promisify(execFile)(path.join(ROOT, "b9"), ["server"], { env: { ...env, PORT: port }, cwd: FIXTURES }),
    ).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(`PORT: expected a free port`) });
  });
});

describe("b9 token", () => {
  it("makes, lists and revokes", async () => {
    const { stdout } = await b9("token", "create", "dashboard", "--scope", "run");
    expect(stdout).toMatch(/^b9_[\w-]{43}\n$/);
    await expect(b9("token", "create", "dashboard")).rejects.toMatchObject({ code: 2 });
    await expect(b9("token", "create", "x", "--scope", "root")).rejects.toMatchObject({ code: 2 });
    const list = async () => JSON.parse((await b9("token", "list", "--json")).stdout);
    expect(await list()).toMatchObject([{ name: "dashboard", scope: "run", revokedAt: null }]);
    await b9("token", "revoke", "dashboard");
    expect(await list()).toMatchObject([{ name: "dashboard", revokedAt: expect.any(String) }]);
    await expect(b9("token", "revoke", "dashboard")).rejects.toMatchObject({ code: 2 });
  });
});
