import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { unit } from "./random.ts";

export type ProxyKind = "ok" | "dead" | "slow" | "resetting" | "auth" | "blocked";

export interface ProxySpec {
  /**
   * `dead`: nothing listens. `slow`: every request waits `delayMs`. `resetting`: cuts a `resetShare` of the
   * connections. `auth`: demands the credentials of its URL, 407 otherwise. `blocked`: works, but the site refuses
   * its address.
   */
  kind: ProxyKind;
  /** @default 500, real time */
  delayMs?: number;
  /** @default 0.3 */
  resetShare?: number;
}

export interface Proxy {
  /** With credentials where they are demanded. */
  url: string;
  /** The loopback address from which the site sees its requests come. */
  address: string;
  close(): Promise<void>;
}

const CREDENTIALS = { user: "sandbox", password: "pass:word" };
const HOP_BY_HOP = ["proxy-authorization", "proxy-connection", "connection", "keep-alive", "te", "upgrade"];

/**
 * A forward proxy on a port of its own, for absolute-form requests and for CONNECT. It reaches loopback addresses
 * only, each proxy from an address of its own in 127.0.0.0/8 (on Linux all of that network is loopback).
 * @param number from 1; decides the address
 */
export async function startProxy(
  { kind, delayMs = 500, resetShare = 0.3 }: ProxySpec,
  number: number,
  seed: number,
): Promise<Proxy> {
  const address = `127.0.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
  const agent = new http.Agent({ keepAlive: true, localAddress: address });
  const server = http.createServer();
  const sockets = new Set<net.Socket>();
  const waitMs = kind === "slow" ? delayMs : 0;
  let connections = 0;
  server.on("connection", (socket: net.Socket) => {
    track(sockets, socket);
    const isDoomed = kind === "resetting" && unit(seed, number, connections++) < resetShare;
    if (isDoomed) socket.once("data", () => socket.resetAndDestroy());
  });
  server.on("request", (request, response) => {
    if (kind === "auth" && !isAuthorized(request)) return void response.writeHead(407, CHALLENGE).end();
    afterMs(waitMs, () => forward(request, response, agent));
  });
  server.on("connect", (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    if (kind === "auth" && !isAuthorized(request))
      return void socket.end(refusal("407 Proxy Authentication Required"));
    afterMs(waitMs, () => track(sockets, tunnel(request, socket, head, address)));
  });
  server.keepAliveTimeout = 120_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    agent.destroy();
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  if (kind === "dead") await close();
  const login = kind === "auth" ? `${CREDENTIALS.user}:${encodeURIComponent(CREDENTIALS.password)}@` : "";
  return { url: `http://${login}127.0.0.1:${port}`, address, close };
}

const CHALLENGE = { "proxy-authenticate": 'Basic realm="sandbox"', "content-length": 0 };

function isAuthorized({ headers }: http.IncomingMessage): boolean {
  const expected = Buffer.from(`${CREDENTIALS.user}:${CREDENTIALS.password}`).toString("base64");
  return headers["proxy-authorization"] === `Basic ${expected}`;
}

function forward(request: http.IncomingMessage, response: http.ServerResponse, agent: http.Agent): void {
  const target = URL.parse(request.url ?? "");
  if (!target || !isLoopback(target.hostname))
    return void response.writeHead(403, { "content-length": 0 }).end();
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.includes(name)),
  );
  const onward = http.request(target, { method: request.method!, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(response);
    // The site cut the connection in the middle of its body: so do we.
    answer.on("error", () => response.socket?.resetAndDestroy());
  });
  onward.on("error", (error: NodeJS.ErrnoException) => {
    const isCut = response.headersSent || error.code === "ECONNRESET";
    if (isCut) response.socket?.resetAndDestroy();
    else response.writeHead(502, { "content-length": 0 }).end();
  });
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

function tunnel(
  request: http.IncomingMessage,
  socket: net.Socket,
  head: Buffer,
  localAddress: string,
): net.Socket {
  const [host = "", port = ""] = (request.url ?? "").split(":");
  if (!isLoopback(host)) return socket.end(refusal("403 Forbidden"));
  const onward = net.connect({ host, port: Number(port), localAddress });
  onward.once("connect", () => {
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  onward.on("error", () => socket.resetAndDestroy());
  socket.on("error", () => onward.destroy());
  socket.on("close", () => onward.destroy());
  return onward;
}

function refusal(status: string): string {
  return `HTTP/1.1 ${status}\r\nproxy-authenticate: Basic realm="sandbox"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function afterMs(ms: number, act: () => void): void {
  if (ms === 0) act();
  else setTimeout(act, ms);
}

function track(sockets: Set<net.Socket>, socket: net.Socket): void {
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket));
}
