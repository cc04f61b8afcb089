import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo, type Socket } from "node:net";
import path from "node:path";

const fixtures = path.resolve(import.meta.dirname, "../../fixtures");

/** A certificate for localhost that nobody trusts unless told to. */
export const TLS = {
  cert: readFileSync(path.join(fixtures, "localhost.crt"), "utf8"),
  key: readFileSync(path.join(fixtures, "localhost.key"), "utf8"),
};

export interface TestServer {
  port: number;
  /** Connections accepted so far. */
  connections: () => number;
  close: () => Promise<void>;
}

export function startServer(handler: http.RequestListener, { tls = false } = {}): Promise<TestServer> {
  return listen(tls ? https.createServer(TLS, handler) : http.createServer(handler));
}

/** A server below HTTP: what `onConnection` does is all that happens. */
export function startSocketServer(onConnection: (socket: Socket) => void): Promise<TestServer> {
  return listen(net.createServer(onConnection));
}

export interface TestProxy extends TestServer {
  /** Request lines that came, absolute-form and CONNECT, with the proxy's credentials. */
  seen: { line: string; authorization: string | undefined }[];
}

/** A forward proxy. `refuse` answers everything with that status instead. */
export async function startProxy({
  refuse,
  tls = false,
}: { refuse?: number; tls?: boolean } = {}): Promise<TestProxy> {
  const seen: TestProxy["seen"] = [];
  const agent = new http.Agent({ keepAlive: true });
  const note = ({ method, url, headers }: http.IncomingMessage) =>
    seen.push({ line: `${method} ${url}`, authorization: headers["proxy-authorization"] });
  const forward: http.RequestListener = (request, response) => {
    note(request);
    if (refuse) return void response.writeHead(refuse).end("refused by proxy");
    const { "proxy-authorization": _, "proxy-connection": __, ...headers } = request.headers;
    const onward = http.request(request.url!, { method: request.method!, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    request.pipe(onward);
  };
  const server = tls ? https.createServer(TLS, forward) : http.createServer(forward);
  server.on("connect", (request, socket) => {
    note(request);
    if (refuse) return void socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
    const { hostname, port } = new URL(`http://${request.url}`);
    const onward = net.connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    for (const side of [socket, onward]) side.on("error", () => (socket.destroy(), onward.destroy()));
  });
  return { seen, ...(await listen(server)) };
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await startSocketServer(() => {});
  await server.close();
  return server.port;
}

async function listen(server: net.Server): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
