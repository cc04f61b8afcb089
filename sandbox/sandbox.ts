import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAccessLog } from "./access-log.ts";
import { assertWithin } from "./assert-within.ts";
import { createBudgets } from "./budgets.ts";
import { createClock } from "./clock.ts";
import { type FaultInput, createFaults, parseFaultPlan } from "./faults.ts";
import { type InstagramOptions, assertInstagramOptions, createInstagram } from "./instagram/site.ts";
import { type Proxy, type ProxySpec, startProxy } from "./proxies.ts";
import { OAUTH_PREFIX, PUBLIC_PREFIX, type RedditOptions, TOKEN_PATH, answerReddit } from "./reddit/site.ts";
import { type Client, createTokens } from "./reddit/tokens.ts";
import { truthAt } from "./reddit/truth.ts";
import { type World, contentTime } from "./reddit/world.ts";
import { createServer } from "./server.ts";

export interface SandboxOptions {
  /** On 127.0.0.1; 0 picks a free one. @default 0 */
  port?: number;
  /** The whole world, its faults and its quirks follow from it. @default 1 */
  seed?: number;
  /** Virtual seconds a real second. @default 1 */
  timeScale?: number;
  /** Virtual unix seconds at which the world starts. @default 2026-10-01T00:00:00Z */
  startAt?: number;
  /** Communities, up to 35,000. @default 300 */
  subreddits?: number;
  /** Accounts, up to 310,000; at least a tenth of the communities. @default 3000 */
  users?: number;
  /** Mean; a few communities have far more. @default 52 */
  postsPerSubreddit?: number;
  /** How much faster new posts come than before the start; 0 is a world that stands still. @default 0 */
  growth?: number;
  /** Registered apps. @default two with secrets */
  clients?: Client[];
  /** Requests of a client id in a window. @default 1000 */
  budgetRequests?: number;
  /** Length of all windows, virtual. @default 600 */
  budgetSecs?: number;
  /** Requests of an address to the public pages in a window. @default 100 */
  anonymousRequests?: number;
  /** First block of an owner that goes on after 20 answers 429 in a window, virtual; each further one doubles. @default 60 */
  blockSecs?: number;
  /** @default two of kind `ok` */
  proxies?: ProxySpec[];
  /** As `POST /_sandbox/faults` takes it. @default [] */
  faults?: FaultInput[];
  /** Whether the public `.json` pages answer. @default "open" */
  public?: "open" | "closed";
  /** @default 20 creators */
  instagram?: InstagramOptions;
  /** What it says to a client that asks for a proof of whose it is. @default nothing */
  prove?: (text: string) => string;
}

export interface Sandbox {
  url: string;
  /** In the order of the option, dead ones too; with credentials where they are demanded. */
  proxyUrls: string[];
  /** Environment variables that point a client here: the first client id, all proxies. */
  env: Record<string, string>;
  /** Content of an identities file: every client id with its share of the proxies. */
  identities: { reddit: Identity[] };
  close(): Promise<void>;
}

export interface Identity {
  name: string;
  client_id: string;
  client_secret: string;
  user_agent: string;
  proxies: string[];
}

const CLIENTS: Client[] = [
  { id: "sandbox-client-1", secret: "sandbox-secret-1" },
  { id: "sandbox-client-2", secret: "sandbox-secret-2" },
];

/**
 * Starts a stand-in world: Reddit under `/oauth` and `/www`, Instagram under `/ig` and `/cdn` and its data API
 * under `/looter2`, the controls under `/_sandbox`, and proxies on ports of their own. Nothing in it is shared with another one of the same process.
 * @throws {RangeError} naming an option that makes no world
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { timeScale = 1, budgetRequests = 1000, budgetSecs = 600, anonymousRequests = 100 } = options;
  const { clients = CLIENTS, proxies: specs = [{ kind: "ok" }, { kind: "ok" }] } = options;
  assertWithin("timeScale", timeScale, 0.001, 100_000);
  assertWithin("the number of clients", clients.length, 1, 10_000);
  assertInstagramOptions(options.instagram ?? {});
  const world = worldOf(options);
  const clock = createClock(world.startAt, timeScale);
  const budgets = createBudgets(world.startAt, options.blockSecs ?? 60);
  const faults = createFaults(world.seed, parseFaultPlan({ faults: options.faults ?? [] }));
  const log = createAccessLog();
  const proxies = await Promise.all(specs.map((spec, i) => startProxy(spec, i + 1, world.seed)));
  const blocked = proxies.filter((_, i) => specs[i]!.kind === "blocked");
  const blockedAddresses = new Set(blocked.map((proxy) => proxy.address));
  const site: RedditOptions = {
    world,
    clock,
    budgets,
    faults,
    tokens: createTokens(clients, clock, world.seed),
    clientAllowance: { requests: budgetRequests, windowSecs: budgetSecs },
    anonymousAllowance: { requests: anonymousRequests, windowSecs: budgetSecs },
    public: options.public ?? "open",
    blockedAddresses,
  };
  const server = createServer({
    clock,
    log,
    faults,
    windows: () => [...budgets.stats(), ...instagram.windows()],
    env: () => ({ env, identities }),
    prove: options.prove,
    truth: (path, query) =>
      instagram.truth(path, query) ?? truthAt(world, path, query, contentTime(world, clock.now())),
    site: (request) => instagram.answer(request) ?? answerReddit(site, request),
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Its pictures are here, so it begins once the port is known.
  const surroundings = { ...world, baseUrl: url, clock, faults, blockedAddresses };
  const instagram = createInstagram(options.instagram ?? {}, surroundings);
  const proxyUrls = proxies.map((proxy) => proxy.url);
  const identities = { reddit: dealOut(clients, proxyUrls) };
  const env = { ...environment(url, identities.reddit[0]!, proxyUrls), ...instagram.env };
  return { url, proxyUrls, env, identities, close: () => closeAll(server, proxies) };
}

function worldOf({
  seed = 1,
  subreddits = 300,
  users = 3000,
  postsPerSubreddit = 52,
  growth = 0,
  startAt = Date.UTC(2026, 9, 1) / 1000,
}: SandboxOptions): World {
  assertWithin("subreddits", subreddits, 1, 35_000);
  assertWithin("users", users, Math.ceil(subreddits / 10), 310_000);
  assertWithin("postsPerSubreddit", postsPerSubreddit, 0, 500);
  assertWithin("growth", growth, 0, 1000);
  return { seed, subreddits, users, postsPerSubreddit, growth, startAt };
}

function environment(url: string, identity: Identity, proxyUrls: string[]): Record<string, string> {
  return {
    REDDIT_API_URL: url + OAUTH_PREFIX,
    REDDIT_TOKEN_URL: url + TOKEN_PATH,
    REDDIT_PUBLIC_URL: url + PUBLIC_PREFIX,
    REDDIT_CLIENT_ID: identity.client_id,
    REDDIT_CLIENT_SECRET: identity.client_secret,
    REDDIT_USER_AGENT: identity.user_agent,
    PROXY_URLS: proxyUrls.join(","),
  };
}

function dealOut(clients: readonly Client[], proxyUrls: readonly string[]): Identity[] {
  return clients.map(({ id, secret }, i) => ({
    name: id,
    client_id: id,
    client_secret: secret,
    user_agent: `linux:${id}:1.0 (by /u/sandbox_${i + 1})`,
    proxies: proxyUrls.filter((_, n) => n % clients.length === i),
  }));
}

async function closeAll(server: Server, proxies: readonly Proxy[]): Promise<void> {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  const closed = new Promise((done) => server.close(done));
  server.closeAllConnections();
  await closed;
}
