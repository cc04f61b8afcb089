import { CookieJar } from "tough-cookie";
import { describe, expect, it } from "vitest";
import { LocalBudget } from "../../../shared/crawl/budget.ts";
import { Health, type Identity } from "../../../shared/crawl/identity.ts";
import { IdentityPool } from "../../../shared/crawl/identity-pool.ts";
import { LocalTurnstile } from "../../../shared/crawl/turnstile.ts";
import { createOAuthToken } from "../../../shared/crawl/oauth-token.ts";
import type { HttpClient } from "../../../shared/crawl/http-client.ts";
import type { Outcome } from "../../../shared/crawl/outcome.ts";

const unauthorized: Outcome = { kind: "unauthorized", status: 401, headers: {}, reason: "Unauthorized" };
const ok: Outcome = { kind: "ok", status: 200, headers: {}, body: {} };

/** A pool of one identity, at a time of its own, whose site issues the same token whenever it is asked. */
async function startPool() {
  let now = 0;
  const client: HttpClient = {
    send: async ({ url }) => ({
      status: 200,
      headers: {},
      body: Buffer.from('{"access_token":"same","expires_in":3600}'),
      url,
      answeredAt: now,
    }),
    close() {},
  };
  const clock = { now: () => now };
  const options = { name: "test", tokenUrl: "http://localhost/token", clientId: "a", clientSecret: "b" };
  const credential = createOAuthToken({ ...options, userAgent: "test", client, ...clock });
  const budget = new LocalBudget("test", { requests: 100, windowMs: 1_000 });
  const turnstile = new LocalTurnstile();
  const health = new Health();
  const cookies = new CookieJar();
  const identity: Identity = {
    name: "test",
    userAgent: "test",
    proxyUrl: null,
    credential,
    budget,
    turnstile: () => turnstile,
    cookies,
    health,
  };
  const pool = new IdentityPool([identity], () => {}, clock);
  const renew = async () => {
    now += 10;
    pool.next(1);
    await expect.poll(() => pool.isRenewing).toBe(false);
    now += 10;
  };
  await renew();
  return { pool, identity, renew };
}

describe("IdentityPool", () => {
  it("a 401 of a request that was sent before the renewal says nothing about the new token", async () => {
    const { pool, identity, renew } = await startPool();
    const [first, late, later] = [pool.send(identity), pool.send(identity), pool.send(identity)];
    pool.settle(first, unauthorized, null);
    expect(identity.credential!.token()).toBe(null);
    await renew();
    for (const ticket of [late, later]) pool.settle(ticket, unauthorized, null);
    expect(identity.credential!.token()).toBe("same");
    expect(identity.credential!.retired).toBe(null);
  });

  it("a request that was refused with a token that worked says nothing about later tokens", async () => {
    const { pool, identity, renew } = await startPool();
    pool.settle(pool.send(identity), ok, null);
    pool.settle(pool.send(identity), unauthorized, null);
    await renew();
    for (let i = 0; i < 3; i++)
      pool.settle(pool.send(identity), unauthorized, null, { wasRefusedBefore: true });
    expect(identity.credential!.token()).toBe("same");
  });

  it("gives a client up when two new tokens in a row were refused", async () => {
    const { pool, identity, renew } = await startPool();
    pool.settle(pool.send(identity), unauthorized, null);
    await renew();
    pool.settle(pool.send(identity), unauthorized, null);
    expect(identity.credential!.retired).toMatch(/tokens that the API refuses/);
  });

  describe("what is served one at a time", () => {
    const refused = { kind: "throttled", status: 429, headers: {}, retryAfterMs: null } as const;
    const left = (remaining: number) => ({ used: 1, remaining, resetMs: 600_000 });

    it("waits for its turn while the rest goes on", async () => {
      const { pool, identity } = await startPool();
      pool.settle(pool.send(identity), ok, left(99));
      const first = pool.send(identity, "more");
      expect(pool.next(1, "more").identity).toBeNull();
      expect(pool.next(1).identity).toBe(identity);
      pool.settle(first, ok, left(98));
      expect(pool.next(1, "more").identity).toBe(identity);
    });

    it("alone is shut by a refusal, unless nothing is left or the site says to wait", async () => {
      const { pool, identity } = await startPool();
      pool.settle(pool.send(identity), ok, left(99));
      const refuse = (...how: [object, ReturnType<typeof left> | null]) =>
        pool.settle(pool.send(identity, "more"), { ...refused, ...how[0] }, how[1]);
      for (const how of [refuse({}, null), refuse({ retryAfterMs: 60_000 }, left(98))]) {
        expect(how).toBeUndefined();
        expect(pool.next(1, "more").identity).toBeNull();
        expect(pool.next(1).identity).toBe(identity);
      }
      refuse({ retryAfterMs: 60_000 }, null);
      expect(pool.next(1).identity).toBeNull();
    });
  });
});
