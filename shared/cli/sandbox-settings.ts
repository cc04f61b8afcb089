import { isLoopback } from "../../server/http/loopback.ts";
import { InvalidInputError } from "../errors.ts";

/** What a stand-in tells whoever crawls it. */
export interface SandboxEnv {
  env: Record<string, string>;
  /** Content for `IDENTITIES_FILE`. */
  identities: { reddit: { proxies?: string[] }[] };
}

/** Where the stand-in is: one URL, or several with commas between them. */
const ADDRESSES: ReadonlySet<string> = new Set([
  "REDDIT_API_URL",
  "REDDIT_TOKEN_URL",
  "REDDIT_PUBLIC_URL",
  "INSTAGRAM_API_URL",
  "INSTAGRAM_WEB_URL",
  "PROXY_URLS",
]);

/** As whom a crawl comes to it, and what its plan allows. */
const CLIENTS: ReadonlySet<string> = new Set([
  "REDDIT_CLIENT_ID",
  "REDDIT_CLIENT_SECRET",
  "REDDIT_USER_AGENT",
  "RAPIDAPI_KEY",
  "RAPIDAPI_HOST",
  "INSTAGRAM_API_PRICE_USD",
  "INSTAGRAM_API_REQUESTS_PER_SEC",
  "INSTAGRAM_API_REQUESTS_PER_HOUR",
]);

/**
 * The settings that lead a crawl to a stand-in, whatever else it tells.
 * @throws {InvalidInputError} for an address that is not on this machine
 */
export function toSandboxSettings({ env, identities }: SandboxEnv): SandboxEnv {
  const settings = Object.entries(env).filter(
    ([name, value]) => typeof value === "string" && (ADDRESSES.has(name) || CLIENTS.has(name)),
  );
  for (const [name, value] of settings)
    if (ADDRESSES.has(name)) for (const url of value.split(",")) assertLocal(name, url);
  for (const { proxies = [] } of identities.reddit)
    for (const url of proxies) assertLocal("a proxy of an identity", url);
  return { env: Object.fromEntries(settings), identities };
}

function assertLocal(what: string, url: string): void {
  const { protocol = "", hostname = "" } = URL.parse(url) ?? {};
  if (url === "" || (/^https?:$/.test(protocol) && isLoopback(hostname))) return;
  throw new InvalidInputError(`the stand-in world gives ${what} an address that is not on this machine`);
}
