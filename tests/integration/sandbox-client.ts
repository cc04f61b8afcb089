import http from "node:http";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../sandbox/sandbox.ts";

export type Json = Record<string, unknown>;

export interface Thing {
  kind: string;
  data: Json;
}

export interface Listing {
  kind: string;
  data: { after: string | null; dist: number; children: Thing[]; before: null };
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** A proxy's URL; the request goes through it in absolute form. */
  proxy?: string;
}

/** A sandbox that ends with the test. */
export async function sandboxFor(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ subreddits: 40, users: 400, proxies: [], ...options });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** One exchange on a connection of its own, nothing followed, nothing decoded. */
export async function ask(
  url: string,
  { method = "GET", headers = {}, body, proxy }: Ask = {},
): Promise<Reply> {
  const hop = new URL(proxy ?? url);
  const login = hop.username
    ? { "proxy-authorization": basic(hop.username, decodeURIComponent(hop.password)) }
    : {};
  const options = {
    host: hop.hostname,
    port: hop.port,
    path: proxy === undefined ? hop.pathname + hop.search : url,
    method,
    headers: { host: new URL(url).host, ...headers, ...login },
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      text(response).then(
        (whole) => resolve({ status: response.statusCode!, headers: response.headers, body: whole }),
        reject,
      );
    });
    request.on("error", reject).end(body);
  });
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

export async function tokenAnswer(
  sandbox: Sandbox,
  client = 0,
  form = "grant_type=client_credentials",
): Promise<Reply> {
  const { client_id, client_secret, user_agent } = sandbox.identities.reddit[client]!;
  const headers = { authorization: basic(client_id, client_secret), "user-agent": user_agent };
  return ask(sandbox.env["REDDIT_TOKEN_URL"]!, { method: "POST", headers, body: form });
}

/** What asks the API as one client, with a token. */
export async function apiOf(
  sandbox: Sandbox,
  client = 0,
): Promise<(path: string, more?: Ask) => Promise<Reply>> {
  const { access_token } = JSON.parse((await tokenAnswer(sandbox, client)).body) as { access_token: string };
  const headers = {
    authorization: `bearer ${access_token}`,
    "user-agent": sandbox.identities.reddit[client]!.user_agent,
  };
  return (path, more = {}) =>
    ask(sandbox.env["REDDIT_API_URL"] + path, { ...more, headers: { ...headers, ...more.headers } });
}

/** The controls and the ground truth, parsed. */
export async function control<T>(sandbox: Sandbox, path: string, body?: unknown): Promise<T> {
  const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  return JSON.parse((await ask(`${sandbox.url}/_sandbox${path}`, post)).body) as T;
}

/** A sandbox with what asks its API and its truth, parsed. */
export async function site(options = {}): Promise<{
  sandbox: Sandbox;
  api: (path: string) => Promise<Reply>;
  json: <T = Thing>(path: string) => Promise<T>;
  truth: <T>(path: string) => Promise<T>;
}> {
  const sandbox = await sandboxFor(options);
  const api = await apiOf(sandbox);
  return {
    sandbox,
    api,
    json: async <T>(path: string) => JSON.parse((await api(path)).body) as T,
    truth: <T>(path: string) => control<T>(sandbox, `/truth${path}`),
  };
}

/** All pages of a listing. */
export async function chain(json: <T>(path: string) => Promise<T>, path: string): Promise<Thing[]> {
  const things: Thing[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page: Listing = await json<Listing>(
      `${path}${path.includes("?") ? "&" : "?"}limit=100&raw_json=1&after=${after}`,
    );
    things.push(...page.data.children);
    after = page.data.after;
  }
  return things;
}
