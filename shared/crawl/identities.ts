import { createHash } from "node:crypto";
import os from "node:os";
import { CookieJar } from "tough-cookie";
import type { Config } from "../config.ts";
import { type Budget, type BudgetCeiling, LocalBudget } from "./budget.ts";
import type { HttpClient } from "./http-client.ts";
import type { IdentitySpec } from "./identities-file.ts";
import { Health, type Identity } from "./identity.ts";
import { createOAuthToken, type Credential } from "./oauth-token.ts";
import { JointBudget, PacedBudget } from "./paced-budget.ts";
import type { Site } from "./site.ts";
import { LocalTurnstile, type Turnstile } from "./turnstile.ts";

/** Stands for the address of an identity without a proxy. */
const DIRECT = "direct";

/** Whose requests a site counts together. */
export interface BudgetOwner {
  site: string;
  /** With the site's name; the same wherever the same client is used, on other machines too. Names no secret. */
  key: string;
  /** For messages. */
  name: string;
  ceiling: BudgetCeiling;
  /** Calls keep an even distance instead of using a window up. */
  isPaced: boolean;
}

export interface IdentityOptions {
  site: Pick<Site, "name" | "needsToken" | "ceilings">;
  /** Asks for tokens. */
  client: HttpClient;
  config: Config;
  /** @default a budget of this process alone */
  createBudget?: (owner: BudgetOwner) => Budget;
  /**
   * @param key as that of a budget's owner, with what is served one at a time
   * @default one of this process alone
   */
  createTurnstile?: (key: string) => Turnstile;
}

/**
 * An identity for every proxy of every spec, or one that goes out directly. Those of a client id share its token
 * and budget; anonymous ones share the budget of their exit address.
 */
export function createIdentities(specs: readonly IdentitySpec[], options: IdentityOptions): Identity[] {
  const {
    site,
    client,
    config,
    createBudget = ({ name, ceiling, isPaced }) =>
      isPaced ? new PacedBudget(name, ceiling) : new LocalBudget(name, ceiling),
    createTurnstile = () => new LocalTurnstile(),
  } = options;
  const budgets = new Map<string, Budget>();
  const turnstiles = new Map<string, Turnstile>();
  const credentials = new Map<string, Credential>();
  const usable = specs.filter(({ clientId }) => !site.needsToken || clientId !== undefined);
  return usable.flatMap((spec) => {
    const { clientId, userAgent } = spec;
    const ceilings = site.ceilings ?? [
      {
        requests: spec.budgetRequests ?? config.redditBudgetRequests,
        windowMs: (spec.budgetSecs ?? config.redditBudgetSecs) * 1000,
      },
    ];
    const exits = spec.proxies.length > 0 ? spec.proxies : [null];
    return exits.map((proxyUrl): Identity => {
      const address = proxyUrl === null ? DIRECT : new URL(proxyUrl).host;
      const isAnonymous = !site.needsToken || clientId === undefined;
      const owner = isAnonymous ? (spec.apiKey ?? address) : clientId;
      const name = isAnonymous && spec.apiKey === undefined ? address : spec.name;
      const key = owner === address ? addressKey(address) : clientKey(owner);
      return {
        name: exits.length > 1 ? `${spec.name}@${address}` : spec.name,
        userAgent,
        proxyUrl,
        credential: isAnonymous
          ? null
          : getOrCreate(credentials, clientId, () =>
              createOAuthToken({
                name: spec.name,
                clientId,
                clientSecret: spec.clientSecret ?? "",
                userAgent,
                tokenUrl: config.redditTokenUrl,
                client,
              }),
            ),
        budget: getOrCreate(budgets, owner, () => {
          const parts = ceilings.map(({ isPaced = false, ...ceiling }) =>
            createBudget({ site: site.name, key: `${site.name} ${key}`, name, ceiling, isPaced }),
          );
          return parts.length === 1 ? parts[0]! : new JointBudget(parts);
        }),
        turnstile(what) {
          const place = `${site.name} ${key} ${what}`;
          return getOrCreate(turnstiles, place, () => createTurnstile(place));
        },
        cookies: new CookieJar(),
        health: new Health(),
      };
    });
  });
}

function clientKey(clientId: string): string {
  return `client ${createHash("sha256").update(clientId).digest("hex").slice(0, 16)}`;
}

/** Another machine goes out directly from another address. */
function addressKey(address: string): string {
  return `address ${address === DIRECT ? os.hostname() : address}`;
}

function getOrCreate<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = create()));
  return value;
}
