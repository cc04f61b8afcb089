import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SharedTurnstile } from "../../shared/crawl/postgres/shared-turnstile.ts";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());

const fail = (error: Error) => {
  throw error;
};

function process(key: string): SharedTurnstile {
  return new SharedTurnstile({ pool: database.pool, key, wake: () => {}, onError: fail });
}

async function enter(turnstile: SharedTurnstile): Promise<void> {
  await expect.poll(() => turnstile.opensAt(0), { interval: 5, timeout: 10_000 }).toBe(0);
  turnstile.entered();
}

it("lets one process in at a time, and each of them in the end", async () => {
  const processes = Array.from({ length: 4 }, () => process("reddit a morechildren"));
  let inside = 0;
  let most = 0;
  await Promise.all(
    processes.map(async (turnstile) => {
      for (let i = 0; i < 5; i++) {
        await enter(turnstile);
        most = Math.max(most, ++inside);
        await sleep(5);
        inside--;
        turnstile.left(0);
      }
    }),
  );
  expect(most).toBe(1);
  await Promise.all(processes.map((turnstile) => turnstile.close()));
});

it("keeps other clients, and a process that is refused, apart", async () => {
  const [one, other, elsewhere] = [process("b"), process("b"), process("c")];
  await enter(one);
  await enter(elsewhere);
  expect(other.opensAt(0)).toBeGreaterThan(0);
  one.left(0, { retryAfterMs: 700 });
  const refusedAt = performance.now();
  await enter(other);
  expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(650);
  for (const turnstile of [other, elsewhere]) turnstile.left(0);
  await Promise.all([one, other, elsewhere].map((turnstile) => turnstile.close()));
});

it("is given up by a process that does not use it, ends, or has died", async () => {
  const [idle, ending, dead, heir] = [process("d"), process("d"), process("d"), process("d")];
  await expect.poll(() => idle.opensAt(0)).toBe(0);
  await enter(ending);
  ending.left(0);
  await expect.poll(() => ending.opensAt(0)).toBe(0);
  await ending.close();
  await enter(dead);
  // Whoever has died renews nothing.
  await database.pool.query("update turnstiles set owner = 'dead', held_until = now() + interval '1 s'");
  await enter(heir);
  dead.left(0);
  heir.left(0);
  await Promise.all([idle, dead, heir].map((turnstile) => turnstile.close()));
});
