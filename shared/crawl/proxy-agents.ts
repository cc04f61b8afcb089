import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";

/** The kept-alive connections of one identity. */
export interface Agents {
  http: http.Agent;
  https: https.Agent;
}

/** The proxy could not be reached, or would not connect us. Its message names the proxy without credentials. */
export class ProxyError extends Error {
  override name = "ProxyError";
}

/**
 * Connections that go through `proxyUrl` and nowhere else: absolute-form for http targets, CONNECT for https
 * targets (RFC 9112 §3.2.2, RFC 9110 §9.3.6).
 *
 * @param connectTimeoutMs until the proxy is reached and, for https targets, has answered CONNECT
 */
export function createProxyAgents(proxyUrl: string, connectTimeoutMs: number): Agents {
  const proxy = new URL(proxyUrl);
  const forward = new HttpProxyAgent(proxy, { keepAlive: true });
  const tunnel = new HttpsProxyAgent(proxy, { keepAlive: true });
  const openTunnel = tunnel.connect.bind(tunnel);
  const { connectOpts } = tunnel;
  // HttpProxyAgent's own connect() writes the header anew, and Node then sends it again after a body.
  guardConnect(forward, proxy.host, connectTimeoutMs, (signal) =>
    openSocket(proxy, { ...forward.connectOpts, signal }),
  );
  guardConnect(tunnel, proxy.host, connectTimeoutMs, (signal, request, target) => {
    // Read before openTunnel() first waits, so that each connection gets its own signal.
    tunnel.connectOpts = { ...connectOpts, signal };
    return openTunnel(request, target);
  });
  return { http: forward, https: tunnel };
}

export function createDirectAgents(): Agents {
  return { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
}

export function destroyAgents(agents: Agents): void {
  agents.http.destroy();
  agents.https.destroy();
}

type Connect = HttpsProxyAgent<string>["connect"];

/**
 * The agents connect without a time limit, know nothing of a socket that still connects when they are destroyed,
 * and pass the proxy's refusal of CONNECT on as if it were the target's answer. This adds all three.
 */
function guardConnect(
  agent: { connect: Connect; destroy: () => void },
  proxyHost: string,
  connectTimeoutMs: number,
  connect: (signal: AbortSignal, ...args: Parameters<Connect>) => ReturnType<Connect>,
): void {
  const connecting = new Set<AbortController>();
  const destroy = agent.destroy.bind(agent);
  agent.connect = async (request, target) => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), connectTimeoutMs);
    connecting.add(abort);
    let status = 200;
    request.once("proxyConnect", (answer: { statusCode?: number }) => (status = answer.statusCode ?? 200));
    try {
      const socket = await connect(abort.signal, request, target);
      if (status === 200) return socket;
    } catch (cause) {
      const what = abort.signal.aborted
        ? `no connection within ${connectTimeoutMs} ms`
        : (cause as Error).message;
      throw new ProxyError(`proxy ${proxyHost}: ${what}`, { cause });
    } finally {
      clearTimeout(timer);
      connecting.delete(abort);
    }
    throw new ProxyError(`proxy ${proxyHost} answered CONNECT with ${status}`);
  };
  agent.destroy = () => {
    for (const abort of connecting) abort.abort();
    destroy();
  };
}

async function openSocket(
  proxy: URL,
  options: net.TcpNetConnectOpts & tls.ConnectionOptions,
): Promise<net.Socket> {
  const isTls = proxy.protocol === "https:";
  const socket = isTls ? tls.connect(options) : net.connect(options);
  await once(socket, isTls ? "secureConnect" : "connect");
  return socket;
}
