import { hash, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Pool } from "pg";
import { anyTokenExists, useToken } from "../../shared/db/api-tokens.ts";
import type { Principal } from "./principal.ts";

/** How long a token that was revoked may still be let in, and a new one be refused. */
const TRUST_MS = 10_000;

/** Checks tokens: the one of the configuration, and those that the database has the hashes of. */
export interface TokenStore {
  /** Known without asking the database; `undefined`: not known. */
  recall(token: string): Principal | null | undefined;
  /** Asks the database; null: there is no such token. */
  check(token: string): Promise<Principal | null>;
  /** True while there is no token at all, by what the database said last. */
  isTokenless(): boolean;
  /** Asks the database whether there is a token. */
  refresh(): Promise<void>;
}

export function createTokenStore(pool: Pool, apiToken: string | undefined): TokenStore {
  const apiTokenHash = apiToken === undefined ? null : digest(apiToken);
  // By the hash of the token: what is kept in memory lets nobody in.
  const known = new LRUCache<string, { principal: Principal | null }>({ max: 1_000, ttl: TRUST_MS });
  let isTokenless = false;
  let askedAtMs = -Infinity;
  const refresh = async () => {
    askedAtMs = Date.now();
    isTokenless = apiTokenHash === null && !(await anyTokenExists(pool));
  };
  return {
    recall(token) {
      const tokenHash = digest(token);
      if (apiTokenHash !== null && timingSafeEqual(tokenHash, apiTokenHash))
        return { name: "API_TOKEN", scope: "admin", tokenId: null, limitKey: null };
      return known.get(tokenHash.toString("base64"))?.principal;
    },
    async check(token) {
      const tokenHash = digest(token);
      const row = await useToken(pool, tokenHash);
      const principal = row && {
        name: row.name,
        scope: row.scope,
        tokenId: row.id,
        limitKey: row.scope === "admin" ? null : `token:${row.id}`,
      };
      known.set(tokenHash.toString("base64"), { principal });
      return principal;
    },
    isTokenless() {
      // While the database is away, what it said last goes on to hold.
      if (apiTokenHash === null && askedAtMs + TRUST_MS < Date.now()) refresh().catch(() => undefined);
      return isTokenless;
    },
    refresh,
  };
}

function digest(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
