import http from "node:http";
import tls from "node:tls";
import zlib from "node:zlib";
import { setTimeout as sleep } from "node:timers/promises";
import { CookieJar } from "tough-cookie";
import { afterEach, describe, expect, it } from "vitest";
import {
  createHttpClient,
  type HttpClientOptions,
  type HttpRequest,
} from "../../../../shared/crawl/http-client.ts";
import { closedPort, startProxy, startServer, startSocketServer, TLS } from "./servers.ts";

const LIMITS: HttpClientOptions = {
  connectTimeoutMs: 2_000,
  headersTimeoutMs: 2_000,
  bodyTimeoutMs: 2_000,
  maxBodyBytes: 10 * 2 ** 20,
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function kept<T extends { close: () => unknown }>(closable: T): T {
  cleanups.push(() => closable.close());
  return closable;
}
const server = async (handler: http.RequestListener, options = {}) =>
  kept(await startServer(handler, options));
const socketServer = async (...args: Parameters<typeof startSocketServer>) =>
  kept(await startSocketServer(...args));
const proxy = async (options = {}) => kept(await startProxy(options));

function client(limits: Partial<HttpClientOptions> = {}) {
  const inner = kept(createHttpClient({ ...LIMITS, ...limits }));
  const get = (url: string, request: Partial<HttpRequest> = {}) =>
    inner.send({
      method: "GET",
      url,
      headers: { "user-agent": "test:b9:1" },
      identity: "a",
      proxyUrl: null,
      ...request,
    });
  return { ...inner, get };
}

const at = (port: number, path = "/") => `http://127.0.0.1:${port}${path}`;
const bodyOf = (result: object) => ("body" in result ? String(result.body) : result);

/** Trusts the test certificate for the rest of this file. */
function trustTestCertificate(): void {
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), TLS.cert]);
}

describe("a plain exchange", () => {
  it("sends our headers and nobody else's", async () => {
    const seen: string[][] = [];
    const { port } = await server((request, response) => {
      seen.push(request.rawHeaders);
      response.end("{}");
    });
    await client().get(at(port), { headers: { "user-agent": "linux:b9:1", authorization: "bearer x" } });
    const names = seen[0]!.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(names.toSorted()).toEqual([
      "accept-encoding",
      "authorization",
      "connection",
      "host",
      "user-agent",
    ]);
    expect(seen[0]).toContain("gzip, deflate, br");
    expect(seen[0]).toContain("linux:b9:1");
  });

  it("answers with status, lower-case headers and the body's bytes", async () => {
    const { port } = await server((_, response) => {
      response.writeHead(418, { "X-Ratelimit-Used": "3", "Set-Cookie": "a=secret" }).end("é");
    });
    const answer = await client().get(at(port));
    expect(answer).toMatchObject({ status: 418, url: at(port), body: Buffer.from("é") });
    expect(answer).toHaveProperty("headers.x-ratelimit-used", "3");
    expect(answer).not.toHaveProperty("headers.set-cookie");
  });

  it("posts a body", async () => {
    const { port } = await server((request, response) => void request.pipe(response));
    const answer = await client().get(at(port), { method: "POST", body: "grant_type=x" });
    expect(bodyOf(answer)).toBe("grant_type=x");
  });

  it.each([301, 302, 307])("does not follow a %i", async (status) => {
    let requests = 0;
    const { port } = await server((_, response) => {
      requests++;
      response.writeHead(status, { location: "/elsewhere" }).end();
    });
    expect(await client().get(at(port))).toMatchObject({ status, headers: { location: "/elsewhere" } });
    expect(requests).toBe(1);
  });

  it.each([429, 500, 503])("asks once when the answer is %i", async (status) => {
    let requests = 0;
    const { port } = await server((_, response) => {
      requests++;
      response.writeHead(status, { "retry-after": "0" }).end();
    });
    expect(await client().get(at(port))).toMatchObject({ status });
    expect(requests).toBe(1);
  });

  it("keeps and sends the cookies of the given jar only", async () => {
    const seen: (string | undefined)[] = [];
    const { port } = await server((request, response) => {
      seen.push(request.headers.cookie);
      response.writeHead(200, { "set-cookie": ["id=1; Path=/", "broken=1; Domain=example.org"] }).end();
    });
    const { get } = client();
    const cookieJar = new CookieJar();
    await get(at(port), { cookieJar });
    await get(at(port), { cookieJar });
    await get(at(port), { cookieJar: new CookieJar() });
    expect(seen).toEqual([undefined, "id=1", undefined]);
  });

  it("rejects a request that cannot be sent at all", async () => {
    await expect(client().get("not a url")).rejects.toThrow(/invalid url/i);
    await expect(client().get(at(1), { headers: { "x-a": "a\nb" } })).rejects.toThrow(/invalid/i);
  });
});

describe("connections", () => {
  it("are kept and never shared between identities", async () => {
    const target = await server((_, response) => void response.end("{}"));
    const { get } = client();
    for (let i = 0; i < 5; i++) await get(at(target.port));
    expect(target.connections()).toBe(1);
    for (let i = 0; i < 5; i++) await get(at(target.port), { identity: "b" });
    expect(target.connections()).toBe(2);
  });

  it("are replaced without a failure when the server has closed a kept one", async () => {
    let requests = 0;
    const target = await server((request, response) => {
      // The second request on a connection finds it closed, as when a server's idle timeout strikes meanwhile.
      if (++requests === 2) return void request.socket.destroy();
      response.end(String(requests));
    });
    const { get } = client();
    await get(at(target.port));
    expect(bodyOf(await get(at(target.port)))).toBe("3");
    expect(target.connections()).toBe(2);
  });

  it("survive a signal that aborts after the answer", async () => {
    const target = await server((_, response) => void response.end("{}"));
    const { get } = client();
    const abort = new AbortController();
    await get(at(target.port), { signal: abort.signal });
    abort.abort();
    await get(at(target.port));
    expect(target.connections()).toBe(1);
  });

  it("end with close()", async () => {
    const { port } = await server(() => {});
    const { get, close } = client();
    const pending = get(at(port));
    await sleep(100);
    close();
    expect(await pending).toMatchObject({ failure: "reset" });
  });
});

describe("timeouts", () => {
  it("end a connection that never stands", async () => {
    // A TLS handshake that nobody answers.
    const { port } = await socketServer(() => {});
    const result = await client({ connectTimeoutMs: 200 }).get(`https://127.0.0.1:${port}/`);
    expect(result).toMatchObject({
      failure: "timeout",
      message: "no connection within 200 ms",
      status: null,
    });
  });

  it("end the wait for headers", async () => {
    const { port } = await server(() => {});
    const result = await client({ headersTimeoutMs: 200 }).get(at(port));
    expect(result).toMatchObject({ failure: "timeout", message: "no answer within 200 ms" });
  });

  it("end a body that trickles, whatever comes in between", async () => {
    let closed = false;
    const { port } = await server((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write("x"), 20);
      response.on("close", () => ((closed = true), clearInterval(timer)));
    });
    const started = performance.now();
    const result = await client({ bodyTimeoutMs: 300 }).get(at(port));
    expect(result).toMatchObject({
      failure: "timeout",
      message: "body not complete within 300 ms",
      status: 200,
    });
    expect(performance.now() - started).toBeLessThan(2_000);
    await expect.poll(() => closed).toBe(true);
  });

  it("a signal ends the exchange and its connection", async () => {
    let closed = false;
    const { port } = await server((request) => void request.on("close", () => (closed = true)));
    const abort = new AbortController();
    const pending = client().get(at(port), { signal: abort.signal });
    await sleep(100);
    abort.abort();
    expect(await pending).toMatchObject({ failure: "aborted" });
    await expect.poll(() => closed).toBe(true);
  });

  it("a signal that has aborted already sends nothing", async () => {
    let requests = 0;
    const { port } = await server(() => requests++);
    expect(await client().get(at(port), { signal: AbortSignal.abort() })).toMatchObject({
      failure: "aborted",
    });
    expect(requests).toBe(0);
  });
});

describe("bodies", () => {
  const text = JSON.stringify({ text: "ä".repeat(1000) });
  it.each([
    ["gzip", zlib.gzipSync(text)],
    ["deflate", zlib.deflateSync(text)],
    ["deflate", zlib.deflateRawSync(text)],
    ["br", zlib.brotliCompressSync(text)],
    ["GZIP", zlib.gzipSync(text)],
    ["x-gzip", zlib.gzipSync(text)],
    ["gzip, identity", zlib.gzipSync(text)],
    ["utf-8,gzip", zlib.gzipSync(text)],
    ["deflate, gzip", zlib.gzipSync(zlib.deflateSync(text))],
    // What stands behind the end of a body is not of it.
    ["gzip", Buffer.concat([zlib.gzipSync(text), Buffer.from("\r\n0\r\n")])],
    [
      "gzip",
      Buffer.concat([zlib.gzipSync(text.slice(0, 9)), zlib.gzipSync(text.slice(9)), Buffer.from("x")]),
    ],
    ["gzip", Buffer.concat([named(zlib.gzipSync(text)), Buffer.from("x")])],
    ["deflate", Buffer.concat([zlib.deflateSync(text), Buffer.from("x")])],
    ["br", Buffer.concat([zlib.brotliCompressSync(text), Buffer.from("x")])],
    // No codings, whatever they stand for.
    ["none", Buffer.from(text)],
    ["utf-8", Buffer.from(text)],
    ["identity", Buffer.from(text)],
    ["Identity, none", Buffer.from(text)],
    ["x-unheard-of", Buffer.from(text)],
    ["", Buffer.from(text)],
  ])("are decompressed: %s", async (encoding, body) => {
    const { port } = await server((_, response) => {
      response.writeHead(200, { "content-encoding": encoding }).end(body);
    });
    expect(bodyOf(await client().get(at(port)))).toBe(text);
  });

  it.each([
    ["a truncated gzip body", "gzip", zlib.gzipSync(text).subarray(0, 30)],
    ["a gzip body that lacks its end", "gzip", zlib.gzipSync(text).subarray(0, -3)],
    ["a gzip body that was changed", "gzip", changed(zlib.gzipSync(text))],
    ["an endless list", "gzip,".repeat(9), zlib.gzipSync(text)],
    ["plain text that claims to be gzip", "gzip", Buffer.from(text)],
    ["broken brotli", "br", Buffer.from(text)],
    ["an encoding that was not asked for", "zstd", Buffer.from(text)],
  ])("%s is a bad encoding", async (_, encoding, body) => {
    const { port } = await server((_request, response) => {
      response.writeHead(200, { "content-encoding": encoding }).end(body);
    });
    expect(await client().get(at(port))).toMatchObject({ failure: "badEncoding", status: 200 });
  });

  it("come with as many headers as browsers take", async () => {
    const { port } = await server((_, response) => {
      response.writeHead(200, { "content-security-policy": "x".repeat(200_000) }).end(text);
    });
    expect(bodyOf(await client().get(at(port)))).toBe(text);
  });

  it("an empty body needs no encoding", async () => {
    const { port } = await server((_, response) => {
      response.writeHead(502, { "content-encoding": "gzip" }).end();
    });
    expect(await client().get(at(port))).toMatchObject({ status: 502, body: Buffer.alloc(0) });
  });

  it("a 300 MB gzip bomb stops at the cap, with little memory", async () => {
    const bomb = gzipOfZeros(300);
    const { port } = await server((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    });
    const before = process.memoryUsage().rss;
    const result = await client().get(at(port));
    expect(result).toMatchObject({ failure: "tooLarge", message: "body over 10 MB", status: 200 });
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(100);
  });

  it("a giant body stops at the cap, and so does its sender", async () => {
    let sentBytes = 0;
    const { port } = await server((_, response) => {
      const chunk = Buffer.alloc(64 * 1024, "x");
      const send = () => {
        while (!response.destroyed && sentBytes < 500 * 2 ** 20) {
          sentBytes += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", send);
        }
      };
      send();
    });
    expect(await client().get(at(port))).toMatchObject({ failure: "tooLarge", message: "body over 10 MB" });
    await sleep(200);
    expect(sentBytes / 2 ** 20).toBeLessThan(40);
  });

  it("a body as long as the cap is not too large", async () => {
    const { port } = await server((_, response) => void response.end(Buffer.alloc(1000)));
    const { get } = client({ maxBodyBytes: 1000 });
    expect(await get(at(port))).toMatchObject({ status: 200 });
    expect(await client({ maxBodyBytes: 999 }).get(at(port))).toMatchObject({ failure: "tooLarge" });
  });
});

describe("failures are values", () => {
  it("refused", async () => {
    expect(await client().get(at(await closedPort()))).toMatchObject({
      failure: "refused",
      viaProxy: false,
      status: null,
    });
  });

  it("dns", async () => {
    expect(await client().get("http://nowhere.invalid/")).toMatchObject({ failure: "dns" });
  });

  it("reset before an answer", async () => {
    const { port } = await socketServer((socket) => void socket.once("data", () => socket.resetAndDestroy()));
    expect(await client().get(at(port))).toMatchObject({ failure: "reset", status: null });
  });

  it("reset within the body", async () => {
    const { port } = await server((_, response) => {
      response.writeHead(200, { "content-length": 1000 }).write("half");
      setTimeout(() => response.destroy(), 50);
    });
    expect(await client().get(at(port))).toMatchObject({ failure: "reset", status: 200 });
  });

  it("not HTTP", async () => {
    const { port } = await socketServer(
      (socket) => void socket.once("data", () => socket.end("SSH-2.0\r\n\r\n")),
    );
    expect(await client().get(at(port))).toMatchObject({ failure: "protocol" });
  });

  it("lenient HTTP is refused", async () => {
    const { port } = await socketServer(
      (socket) =>
        void socket.once("data", () =>
          socket.end("HTTP/1.1 200 OK\r\nX-A: a\u0001b\r\nContent-Length: 0\r\n\r\n"),
        ),
    );
    expect(await client().get(at(port))).toMatchObject({ failure: "protocol" });
  });

  it("a certificate that nobody vouches for", async () => {
    const { port } = await server((_, response) => void response.end("{}"), { tls: true });
    expect(await client().get(`https://localhost:${port}/`)).toMatchObject({ failure: "tls" });
  });
});

describe("proxies", () => {
  const secret = "p%40ss%3Aword";
  const via = (port: number) => ({ proxyUrl: `http://user:${secret}@127.0.0.1:${port}` });
  const credentials = `Basic ${Buffer.from("user:p@ss:word").toString("base64")}`;

  it("are asked in absolute-form for http targets, over kept connections", async () => {
    const target = await server((_, response) => void response.end("{}"));
    const through = await proxy();
    const { get } = client();
    for (let i = 0; i < 5; i++)
      expect(bodyOf(await get(at(target.port, "/x?y=1"), via(through.port)))).toBe("{}");
    expect(through.seen).toHaveLength(5);
    expect(through.seen[0]).toEqual({ line: `GET ${at(target.port, "/x?y=1")}`, authorization: credentials });
    expect(through.connections()).toBe(1);
  });

  it("are asked with CONNECT for https targets, over kept tunnels", async () => {
    trustTestCertificate();
    const seen: http.IncomingHttpHeaders[] = [];
    const target = await server(
      (request, response) => {
        seen.push(request.headers);
        response.end("{}");
      },
      { tls: true },
    );
    const through = await proxy();
    const { get } = client();
    for (let i = 0; i < 5; i++)
      expect(bodyOf(await get(`https://localhost:${target.port}/`, via(through.port)))).toBe("{}");
    expect(through.seen).toEqual([{ line: `CONNECT localhost:${target.port}`, authorization: credentials }]);
    expect([through.connections(), target.connections()]).toEqual([1, 1]);
    expect(Object.keys(seen[0]!)).not.toContain("proxy-authorization");
  });

  it("may speak TLS themselves", async () => {
    trustTestCertificate();
    const target = await server((_, response) => void response.end("{}"));
    const through = await proxy({ tls: true });
    const answer = await client().get(at(target.port), {
      proxyUrl: `https://user:pw@localhost:${through.port}`,
    });
    expect(bodyOf(answer)).toBe("{}");
    expect(through.seen).toHaveLength(1);
  });

  it("get a body once, and the header before it once", async () => {
    let received = "";
    const through = await socketServer((socket) => {
      socket.on("data", (data) => {
        received += data.toString();
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      });
    });
    const post = { method: "POST", body: "grant_type=x", ...via(through.port) } as const;
    await client().get("http://localhost:1/token", post);
    await sleep(100);
    expect(received.match(/POST |grant_type=x/g)).toEqual(["POST ", "grant_type=x"]);
  });

  it("carry concurrent requests of an identity", async () => {
    const target = await server((request, response) => void setTimeout(() => response.end(request.url), 50));
    const through = await proxy();
    const { get } = client();
    const paths = Array.from({ length: 10 }, (_, index) => `/${index}`);
    const answers = await Promise.all(paths.map((path) => get(at(target.port, path), via(through.port))));
    expect(answers.map(bodyOf)).toEqual(paths);
  });

  describe.each(["http", "https"])("for %s targets", (scheme) => {
    async function ask(proxyPort: number, limits: Partial<HttpClientOptions> = {}) {
      const target = await server((_, response) => void response.end("direct"), { tls: scheme === "https" });
      const result = await client(limits).get(`${scheme}://localhost:${target.port}/`, via(proxyPort));
      // Whatever happened to the proxy, nothing went out directly, and nobody learns its password.
      expect(target.connections()).toBe(0);
      expect(JSON.stringify(result)).not.toMatch(/p%40ss|p@ss|dXNlcj/);
      return result;
    }

    it("a proxy that is not there", async () => {
      const port = await closedPort();
      const result = await ask(port);
      expect(result).toMatchObject({ failure: "proxy", viaProxy: true, status: null });
      expect(result).toHaveProperty("message", expect.stringContaining(`proxy 127.0.0.1:${port}: `));
    });

    it("a proxy that wants other credentials", async () => {
      const through = await proxy({ refuse: 407 });
      expect(await ask(through.port)).toMatchObject({
        failure: "proxy",
        message: expect.stringContaining("407"),
      });
    });

    it("a proxy that resets", async () => {
      const through = await socketServer(
        (socket) => void socket.once("data", () => socket.resetAndDestroy()),
      );
      expect(await ask(through.port)).toMatchObject({ failure: "proxy" });
    });
  });

  it("a refused CONNECT is the proxy's failure, not an answer of the target", async () => {
    const through = await proxy({ refuse: 403 });
    const result = await client().get("https://localhost:1/", via(through.port));
    expect(result).toMatchObject({
      failure: "proxy",
      message: expect.stringContaining("answered CONNECT with 403"),
    });
  });

  it.each([
    ["answers CONNECT", "http", "https"],
    ["greets for CONNECT", "https", "https"],
    ["greets", "https", "http"],
  ])("a proxy that never %s times out, and its connection ends", async (_, proxyScheme, targetScheme) => {
    let closed = false;
    const through = await socketServer((socket) => void socket.on("close", () => (closed = true)).resume());
    const result = await client({ connectTimeoutMs: 200 }).get(`${targetScheme}://localhost:1/`, {
      proxyUrl: `${proxyScheme}://user:s3cret@127.0.0.1:${through.port}`,
    });
    expect(result).toMatchObject({ failure: "proxy", message: expect.stringContaining("within 200 ms") });
    await expect.poll(() => closed).toBe(true);
  });

  it("a proxy that never answers a CONNECT is let go with close()", async () => {
    let closed = false;
    const through = await socketServer((socket) => void socket.on("close", () => (closed = true)).resume());
    const { get, close } = client({ connectTimeoutMs: 20_000 });
    const pending = get("https://localhost:1/", via(through.port));
    await sleep(100);
    const closedAt = performance.now();
    close();
    expect(await pending).toMatchObject({ failure: "proxy" });
    expect(performance.now() - closedAt).toBeLessThan(5_000);
    await expect.poll(() => closed).toBe(true);
  });

  it("a slow answer through a proxy is a timeout that says so", async () => {
    const target = await server(() => {});
    const through = await proxy();
    const result = await client({ headersTimeoutMs: 200 }).get(at(target.port), via(through.port));
    expect(result).toMatchObject({ failure: "timeout", viaProxy: true });
  });

  it("a proxy that cannot reach the target answers for it", async () => {
    const through = await proxy();
    expect(await client().get(at(await closedPort()), via(through.port))).toMatchObject({ status: 502 });
  });
});

/** Without ever holding the `megabytes` of zeros. */
function gzipOfZeros(megabytes: number): Buffer {
  // Members of a gzip file may follow one another (RFC 1952 §2.2).
  const member = zlib.gzipSync(Buffer.alloc(10 * 2 ** 20));
  return Buffer.concat(Array.from({ length: megabytes / 10 }, () => member));
}

/** With the name of a file in its header. */
function named(gzip: Buffer): Buffer {
  const header = Buffer.from(gzip.subarray(0, 10));
  header[3] = 0x08;
  return Buffer.concat([header, Buffer.from("a.json\0"), gzip.subarray(10)]);
}

function changed(gzip: Buffer): Buffer {
  const copy = Buffer.from(gzip);
  copy[copy.length - 6]! ^= 0xff;
  return copy;
}
