import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, stat, symlink, writeFile } from "node:fs/promises";
import http from "node:http";
import { type AddressInfo, createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { prove, readSandboxSecret } from "../../shared/cli/sandbox-secret.ts";
import { toSandboxSettings } from "../../shared/cli/sandbox-settings.ts";
import { startSandboxWorld, useSandbox } from "../../shared/cli/sandbox-process.ts";
import { readConfig } from "../../shared/config.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const folder = () => mkdtemp(path.join(os.tmpdir(), "b9-join-"));
const configOf = (port: number) => readConfig({ SANDBOX_PORT: String(port) }, "no .env file");

/** Something that listens and answers `text` to every request. */
async function listen(answer: (url: string) => string | Promise<string>): Promise<number> {
  const server = http.createServer((request, response) => {
    void Promise.resolve(answer(request.url!)).then((text) => response.end(text));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

const REFUSED =
  /^SANDBOX_PORT: what listens on \S+ does not prove to be a stand-in world of this checkout; .*$/;

it("joins a stand-in that was started from the same checkout", async () => {
  const first = await startSandboxWorld({ port: 0, subreddits: 10, users: 20 });
  onTestFinished(() => first.leave());
  const world = await useSandbox(configOf(Number(new URL(first.url).port)));
  onTestFinished(() => world.leave());
  expect(world.url).toBe(first.url);
  const { IDENTITIES_FILE: file, ...settings } = world.env;
  const { IDENTITIES_FILE: firstFile, ...firstSettings } = first.env;
  expect(settings).toEqual(firstSettings);
  expect(await readFile(file!, "utf8")).toBe(await readFile(firstFile!, "utf8"));
});

it("joins nobody else: neither what answers anything, nor a stand-in of somebody else, nor what says too much", async () => {
  const foreign = await startSandbox({
    subreddits: 10,
    users: 20,
    prove: (text) => prove("0".repeat(64), text),
  });
  onTestFinished(() => foreign.close());
  const told = JSON.stringify({ env: foreign.env, identities: foreign.identities, proof: "x" });
  const silent = createServer((socket) => socket.on("error", () => undefined).end("hello\n"));
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => void silent.close());
  const ports = [
    Number(new URL(foreign.url).port),
    (silent.address() as AddressInfo).port,
    await listen(() => told),
    await listen(() => "null"),
    await listen(() => "not json"),
    await listen(() => "x".repeat(5_000_000)),
  ];
  for (const port of ports) await expect(useSandbox(configOf(port))).rejects.toThrow(REFUSED);
});

it("an answer that was changed on its way proves nothing", async () => {
  const secret = (await readSandboxSecret())!;
  const world = await startSandbox({ subreddits: 10, users: 20, prove: (text) => prove(secret, text) });
  onTestFinished(() => world.close());
  const between = await listen(async (url) => {
    const answer = (await (await fetch(world.url + url)).json()) as { env: Record<string, string> };
    answer.env["REDDIT_API_URL"] = "http://127.0.0.1:1";
    return JSON.stringify(answer);
  });
  await expect(useSandbox(configOf(between))).rejects.toThrow(REFUSED);
});

it("b9 refuses with one line, and runs nothing that the stranger says", async () => {
  const file = path.join(await folder(), "ran");
  await writeFile(`${file}.cjs`, `require("fs").writeFileSync(${JSON.stringify(file)}, "")`);
  const port = await listen(() =>
    JSON.stringify({ env: { NODE_OPTIONS: `--require ${file}.cjs` }, identities: { reddit: [] } }),
  );
  for (const args of [["up"], ["crawl", "reddit", "--input", '{"subreddits":["node"]}']]) {
    const child = spawn(path.join(ROOT, "b9"), [...args, "--sandbox"], {
      env: { PATH: process.env["PATH"]!, SANDBOX_PORT: String(port) },
      stdio: ["ignore", "ignore", "pipe"],
      cwd: await folder(),
    });
    const said = child.stderr.toArray();
    expect(await once(child, "exit")).toEqual([2, null]);
    expect(
      Buffer.concat(await said)
        .toString()
        .trimEnd(),
    ).toMatch(REFUSED);
  }
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

it("takes addresses on this machine and the clients that belong to them, and nothing else", async () => {
  const world = await startSandbox({ subreddits: 10, users: 20 });
  onTestFinished(() => world.close());
  expect(toSandboxSettings(world)).toEqual({ env: world.env, identities: world.identities });
  const env = { ...world.env, NODE_OPTIONS: "--require x", PATH: "/x", API_TOKEN: "x", DATABASE_URL: "x" };
  expect(toSandboxSettings({ ...world, env }).env).toEqual(world.env);
  const elsewhere = ["http://10.0.0.1/", "http://127.0.0.1.evil.example", "file:///etc", "javascript:1", "x"];
  for (const url of elsewhere) {
    const where = "gives REDDIT_API_URL an address that is not on this machine";
    expect(() => toSandboxSettings({ ...world, env: { REDDIT_API_URL: url } })).toThrow(where);
    const proxies = `http://127.0.0.1:1,${url}`;
    expect(() => toSandboxSettings({ ...world, env: { PROXY_URLS: proxies } })).toThrow("PROXY_URLS");
    const identities = { reddit: [{ proxies: [url] }] };
    expect(() => toSandboxSettings({ env: {}, identities })).toThrow("a proxy of an identity");
  }
});

it("the secret is the user's own alone, and the same for all who come at once", async () => {
  const file = path.join(await folder(), "deep", "secret");
  const secrets = await Promise.all(Array.from({ length: 8 }, () => readSandboxSecret(file)));
  expect(new Set(secrets).size).toBe(1);
  expect(secrets[0]).toMatch(/^[\da-f]{64}$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o644);
  expect(await readSandboxSecret(file)).toBeNull();
  await chmod(file, 0o600);
  const linked = path.join(path.dirname(file), "linked");
  await symlink(file, linked);
  expect(await readSandboxSecret(linked)).toBeNull();
  expect(await readSandboxSecret(path.join(file, "below", "secret"))).toBeNull();
});
