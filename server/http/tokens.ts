import { hash, timingSafeEqual } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { readValidTokens, useToken } from "../../shared/db/api-tokens.ts";
import type { Principal } from "./principal.ts";

/** How long what was read holds: so long, a token that was revoked may still be let in. */
const TRUST_MS = 10_000;
/** After so long it is read anew, while requests come. */
const REFRESH_MS = 5_000;
/** While answers last that a revoked token must not have. */
const WATCH_MS = 3_000;
/** Whoever guesses makes the database be asked this often, however much they guess. */
const MIN_GAP_MS = 200;
/** A use is noted in the database this often. */
const NOTE_MS = 60_000;

/** Who asks a server that has no token. */
export const OPERATOR: Principal = { name: "operator", scope: "admin", limitKey: null, tokenId: null };

/** Checks tokens: the one of the configuration, and those that the database has the hashes of. */
export interface TokenStore {
  /** Known without asking the database; `undefined`: not known. */
  recall(token: string): Principal | undefined;
  /** Asks the database, a moment later where it was asked just now; null: there is no such token. */
  check(token: string): Promise<Principal | null>;
  /** True while there is no token at all, by what the database said last. */
  isTokenless(): boolean;
  /** Reads what the database has. */
  refresh(): Promise<void>;
  /**
   * Calls `end` within ten seconds after the token of `principal` was revoked, or allows less.
   * @returns what stops that
   */
  onRevoked(principal: Principal, end: () => void): () => void;
}

interface KnownToken {
  principal: Principal;
  hash: Buffer;
  /** As `performance.now()`. */
  notedAtMs: number;
}

/** All valid tokens are in memory, by their hashes: what is kept lets nobody in. */
export function createTokenStore(pool: Pool, apiToken: string | undefined): TokenStore {
  const apiTokenHash = apiToken === undefined ? null : digest(apiToken);
  let known = new Map<string, KnownToken>();
  let isTokenless = false;
  let readAtMs = -Infinity;
  let triedAtMs = -Infinity;
  let reading: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  const watched = new Set<{ principal: Principal; end: () => void }>();
  let watching: NodeJS.Timeout | null = null;

  const read = async () => {
    triedAtMs = performance.now();
    const startedAtMs = triedAtMs;
    const tokens = await readValidTokens(pool);
    const before = known;
    known = new Map(
      tokens.map(({ id, name, scope, tokenHash }) => {
        const key = tokenHash.toString("base64");
        const limitKey = scope === "admin" ? null : `token:${id}`;
        const notedAtMs = before.get(key)?.notedAtMs ?? -Infinity;
        return [key, { principal: { name, scope, limitKey, tokenId: id }, hash: tokenHash, notedAtMs }];
      }),
    );
    readAtMs = startedAtMs;
    isTokenless = apiTokenHash === null && known.size === 0;
    endRevoked();
  };
  /** What is there when it is called will be known: it never joins what is being read by then. */
  const refresh = (): Promise<void> =>
    (next ??= (async () => {
      // Who waits for it hears of its failure.
      await reading.catch(() => undefined);
      await sleep(Math.max(0, triedAtMs + MIN_GAP_MS - performance.now()));
      next = null;
      reading = read();
      await reading;
    })());
  const refreshMeanwhile = () => {
    // While the database is away, what it said last holds for a while.
    if (performance.now() - triedAtMs > REFRESH_MS) refresh().catch(() => undefined);
  };
  const find = (tokenHash: Buffer): KnownToken | undefined => known.get(tokenHash.toString("base64"));
  const noteUse = async (token: KnownToken): Promise<boolean> => {
    token.notedAtMs = performance.now();
    const isValidStill = (await useToken(pool, token.hash)) !== null;
    if (!isValidStill) known.delete(token.hash.toString("base64"));
    return isValidStill;
  };

  const isValid = (principal: Principal): boolean => {
    if (principal === OPERATOR) return isTokenless;
    for (const { principal: now } of known.values())
      if (now.tokenId === principal.tokenId) return now.scope === principal.scope;
    return false;
  };
  const endRevoked = () => {
    for (const each of watched) {
      if (isValid(each.principal)) continue;
      watched.delete(each);
      each.end();
    }
  };

  return {
    recall(token) {
      const tokenHash = digest(token);
      if (apiTokenHash !== null && timingSafeEqual(tokenHash, apiTokenHash)) return API_TOKEN;
      refreshMeanwhile();
      if (performance.now() - readAtMs > TRUST_MS) return undefined;
      const found = find(tokenHash);
      // The first use is noted before it is let in.
      if (!found || found.notedAtMs === -Infinity) return undefined;
      if (performance.now() - found.notedAtMs > NOTE_MS) noteUse(found).catch(() => undefined);
      return found.principal;
    },
    async check(token) {
      const tokenHash = digest(token);
      if (performance.now() - readAtMs > TRUST_MS || !find(tokenHash)) await refresh();
      const found = find(tokenHash);
      return found && (await noteUse(found)) ? found.principal : null;
    },
    isTokenless() {
      if (apiTokenHash === null) refreshMeanwhile();
      return isTokenless;
    },
    refresh,
    onRevoked(principal, end) {
      if (principal === API_TOKEN) return () => undefined;
      const each = { principal, end };
      watched.add(each);
      watching ??= setInterval(() => void refresh().catch(() => undefined), WATCH_MS).unref();
      return () => {
        watched.delete(each);
        if (watched.size > 0) return;
        clearInterval(watching ?? undefined);
        watching = null;
      };
    },
  };
}

const API_TOKEN: Principal = { name: "API_TOKEN", scope: "admin", limitKey: null, tokenId: null };

function digest(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
