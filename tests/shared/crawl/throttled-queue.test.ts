import { CookieJar } from "tough-cookie";
import { expect, it } from "vitest";
import { LocalBudget } from "../../../shared/crawl/budget.ts";
import { Health, type Identity } from "../../../shared/crawl/identity.ts";
import { IdentityPool } from "../../../shared/crawl/identity-pool.ts";
import type { Lane } from "../../../shared/crawl/lane.ts";
import { openLocalRunStorage } from "../../../shared/crawl/local/local-run-storage.ts";
import type { Outcome } from "../../../shared/crawl/outcome.ts";
import { ThrottledQueue } from "../../../shared/crawl/throttled-queue.ts";
import { LocalTurnstile } from "../../../shared/crawl/turnstile.ts";
import { temporaryFolder } from "../../integration/test-site.ts";

const throttled: Outcome = { kind: "throttled", status: 429, headers: {}, retryAfterMs: 14_000 };

/** A queue of one request, which was answered with 429, at a time of its own. */
async function startWaiting() {
  let now = 0;
  const clock = { now: () => now };
  const storage = await openLocalRunStorage({ storageDir: await temporaryFolder(), name: "test", ...clock });
  const request = { url: "http://localhost/", uniqueKey: "a", label: "A", userData: {} };
  await storage.addRequests([request, { ...request, uniqueKey: "b" }]);
  const identity: Identity = {
    name: "test",
    userAgent: "test",
    proxyUrl: null,
    credential: null,
    budget: new LocalBudget("test", { requests: 100, windowMs: 1_000 }),
    cookies: new CookieJar(),
    turnstile: () => new LocalTurnstile(),
    health: new Health(),
  };
  const site: Lane["site"] = {
    name: "test",
    needsToken: false,
    rules: {},
    wireRequest: (url) => ({ url, headers: {} }),
    readBudget: () => null,
  };
  const client: Lane["client"] = { send: () => Promise.reject(new Error("no network")), close() {} };
  const pool = new IdentityPool([identity], () => {}, clock);
  const fail = (reason: unknown) => {
    throw new Error(String(reason));
  };
  const queue = new ThrottledQueue({
    storage,
    lanes: [{ site, client, pool, hasFallback: false }],
    wake: () => {},
    onFatal: fail,
    onOwnFaults: fail,
    ...clock,
  });
  const handedOut = (await queue.fetchNextRequest())!;
  const lease = queue.lease(handedOut);
  queue.exchanged(lease, throttled, null);
  await queue.markRequestHandled(handedOut);
  return {
    queue,
    storage,
    async after(ms: number): Promise<string | null> {
      now += ms;
      return queue.stallReason(15_000);
    },
  };
}

it("counts as a stall only what it was awake to see", async () => {
  const { queue, storage, after } = await startWaiting();
  for (let secs = 0; secs < 10; secs++) expect(await after(1_000)).toBe(null);
  // Closed lid, paused machine, SIGSTOP: an hour in which nothing ran.
  expect(await after(3_600_000)).toBe(null);
  expect(await after(1_000)).toBe(null);
  queue.stop();
  await queue.release();
  await storage.close();
});

it("ends what gets nowhere while it is awake", async () => {
  const { queue, storage, after } = await startWaiting();
  let reason: string | null = null;
  for (let secs = 0; secs < 16; secs++) reason = await after(1_000);
  expect(reason).toMatch(/^no request got through for 15 s \(MAX_STALL_SECS\)/);
  queue.stop();
  await queue.release();
  await storage.close();
});
