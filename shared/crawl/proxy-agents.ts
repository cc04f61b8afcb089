import http from "node:http";
import https from "node:https";
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
  const agents = {
    http: new HttpProxyAgent(proxy, { keepAlive: true }),
    https: new HttpsProxyAgent(proxy, { keepAlive: true }),
  };
  guardConnect(agents.http, proxy.host, connectTimeoutMs);
  guardConnect(agents.https, proxy.host, connectTimeoutMs);
  return agents;
}

export function createDirectAgents(): Agents {
  return { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
}

export function destroyAgents(agents: Agents): void {
  agents.http.destroy();
  agents.https.destroy();
}

/**
 * The agents connect without a time limit, know nothing of a socket that still connects when they are destroyed,
 * and pass the proxy's refusal of CONNECT on as if it were the target's answer. This adds all three.
 */
function guardConnect(
  agent: HttpProxyAgent<string> | HttpsProxyAgent<string>,
  proxyHost: string,
  connectTimeoutMs: number,
): void {
  const connecting = new Set<AbortController>();
  // Both take Node's request; HttpProxyAgent's type adds internals that every such request has.
  const connect = agent.connect.bind(agent) as HttpsProxyAgent<string>["connect"];
  const destroy = agent.destroy.bind(agent);
  const options = agent.connectOpts;
  agent.connect = async (...[request, target]: Parameters<typeof connect>) => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), connectTimeoutMs);
    connecting.add(abort);
    let status = 200;
    request.once("proxyConnect", (answer: { statusCode?: number }) => (status = answer.statusCode ?? 200));
    try {
      // connect() reads the options before its first await, so each connection gets its own signal.
      agent.connectOpts = { ...options, signal: abort.signal };
      const socket = await connect(request, target);
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
