import { once } from "node:events";
import net from "node:net";
import { expect, it } from "vitest";
import type { LogEntry } from "../../sandbox/access-log.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { apiOf, control, sandboxFor } from "./sandbox-client.ts";

const ABOUT = "/r/woodworking/about";

const lastOf = async (sandbox: Sandbox): Promise<LogEntry> =>
  (await control<LogEntry[]>(sandbox, "/log")).at(-1)!;

it("shows the site an address of its own for each proxy", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "ok" }, { kind: "ok" }] });
  const api = await apiOf(sandbox);
  const addresses = new Set<string>();
  for (const proxy of [...sandbox.proxyUrls, undefined]) {
    const { status, body } = await api(ABOUT, proxy === undefined ? {} : { proxy });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ kind: "t5" });
    addresses.add((await lastOf(sandbox)).address);
  }
  expect(addresses.size).toBe(3);
  expect(addresses).toContain("127.0.0.1");
});

it("deals the proxies out over the clients", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "ok" }, { kind: "dead" }, { kind: "ok" }] });
  const [first, second] = sandbox.identities.reddit;
  expect(first!.proxies).toEqual([sandbox.proxyUrls[0], sandbox.proxyUrls[2]]);
  expect(second!.proxies).toEqual([sandbox.proxyUrls[1]]);
  expect(sandbox.env["PROXY_URLS"]).toBe(sandbox.proxyUrls.join(","));
});

it("demands credentials where its URL carries some", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "auth" }] });
  const api = await apiOf(sandbox);
  const [proxy] = sandbox.proxyUrls;
  expect((await api(ABOUT, { proxy: proxy! })).status).toBe(200);
  const wrong = await api(ABOUT, { proxy: proxy!.replace("pass", "word") });
  expect(wrong.status).toBe(407);
  expect(wrong.headers["proxy-authenticate"]).toContain("Basic");
});

it("tunnels, and demands the same credentials for it", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "auth" }] });
  const { port, username, password } = new URL(sandbox.proxyUrls[0]!);
  const site = new URL(sandbox.url).host;
  const open = async (login: string): Promise<[net.Socket, string]> => {
    const socket = net.connect(Number(port), "127.0.0.1");
    const proof = Buffer.from(login).toString("base64");
    socket.write(`CONNECT ${site} HTTP/1.1\r\nhost: ${site}\r\nproxy-authorization: Basic ${proof}\r\n\r\n`);
    return [socket, String((await once(socket, "data"))[0])];
  };
  const [socket, opened] = await open(`${username}:${decodeURIComponent(password)}`);
  expect(opened).toMatch(/^HTTP\/1\.1 200 /);
  socket.write(
    `GET /oauth/r/woodworking/about HTTP/1.1\r\nhost: ${site}\r\nuser-agent: a:b:1 (by /u/c)\r\n\r\n`,
  );
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 401 /);
  expect((await lastOf(sandbox)).address).toMatch(/^127\.0\.1\./);
  const [, refused] = await open("some:body");
  expect(refused).toMatch(/^HTTP\/1\.1 407 /);
});

it("reaches nothing but this machine", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "ok" }] });
  const socket = net.connect(Number(new URL(sandbox.proxyUrls[0]!).port), "127.0.0.1");
  socket.write("CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n");
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 403 /);
});

it("refuses connections when dead", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "dead" }] });
  const api = await apiOf(sandbox);
  await expect(api(ABOUT, { proxy: sandbox.proxyUrls[0]! })).rejects.toThrow(/ECONNREFUSED/);
});

it("cuts the share of connections that it is told to", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "resetting", resetShare: 0.5 }] });
  const api = await apiOf(sandbox);
  const proxy = sandbox.proxyUrls[0]!;
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => api(ABOUT, { proxy })));
  const cut = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(cut.length).toBeGreaterThan(8);
  expect(cut.length).toBeLessThan(32);
});

it("takes its time when slow", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "slow", delayMs: 300 }] });
  const api = await apiOf(sandbox);
  const start = performance.now();
  expect((await api(ABOUT, { proxy: sandbox.proxyUrls[0]! })).status).toBe(200);
  expect(performance.now() - start).toBeGreaterThan(290);
});

it("gets the page of the blocked from the site when blocked, whoever asks", async () => {
  const sandbox = await sandboxFor({ proxies: [{ kind: "blocked" }] });
  const api = await apiOf(sandbox);
  const { status, body } = await api(ABOUT, { proxy: sandbox.proxyUrls[0]! });
  expect(status).toBe(403);
  expect(body).toContain("<title>Blocked</title>");
  expect((await lastOf(sandbox)).used).toBeNull();
});
