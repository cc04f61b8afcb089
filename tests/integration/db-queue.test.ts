import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { requestId } from "../../shared/crawl/local/request-id.ts";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { explain } from "./db-explain.ts";
import { commit, Queue, request } from "./db-queue-calls.ts";

let cluster: TestCluster;
let database: Database;
let queue: Queue;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  database = await cluster.createDatabase();
  queue = await Queue.open(database.pool);
});

const keys = (requests: { uniqueKey: string }[]) => requests.map(({ uniqueKey }) => uniqueKey);

/** What the counters say, beside what the rows say. */
async function expectExactCounts(): Promise<void> {
  const { rows } = await database.pool.query(
    `select count(*) as total, count(*) filter (where state = 'pending') as pending,
      count(*) filter (where state = 'leased') as claimed, count(*) filter (where state = 'delayed') as delayed,
      count(*) filter (where state = 'handled') as handled, count(*) filter (where state = 'failed') as failed
    from requests where run_number = $1`,
    [queue.run],
  );
  expect(await queue.counts()).toEqual(rows[0]);
}

describe("adding", () => {
  it("answers in order, and says what was there and what is handled already", async () => {
    await queue.add([request("a"), request("b")]);
    await queue.commit((await queue.claim(1)).map((claimed) => commit(claimed)));
    expect(await queue.add([request("c"), request("b"), request("a"), request("c")])).toEqual([
      { id: requestId("c"), uniqueKey: "c", wasAlreadyPresent: false, wasAlreadyHandled: false },
      { id: requestId("b"), uniqueKey: "b", wasAlreadyPresent: true, wasAlreadyHandled: false },
      { id: requestId("a"), uniqueKey: "a", wasAlreadyPresent: true, wasAlreadyHandled: true },
      { id: requestId("c"), uniqueKey: "c", wasAlreadyPresent: true, wasAlreadyHandled: false },
    ]);
    await expectExactCounts();
  });

  it("gives ids by Crawlee's formula, whatever is in the key", async () => {
    const odd = ["a", "https://example.com/?a=1", "über/日本", "x".repeat(5000), "+/="];
    expect((await queue.add(odd.map((key) => request(key)))).map(({ id }) => id)).toEqual(odd.map(requestId));
  });

  it("bears several that add the same at once, each in an order of its own", async () => {
    for (let round = 0; round < 10; round++) {
      const requests = Array.from({ length: 200 }, (_, index) => request(`r${round}-${index}`));
      const shuffled = () => requests.toSorted(() => Math.random() - 0.5);
      const results = await Promise.all([1, 2, 3, 4].map(() => queue.add(shuffled())));
      expect(results.flat().filter(({ wasAlreadyPresent }) => !wasAlreadyPresent)).toHaveLength(200);
    }
    await expectExactCounts();
  });

  it("keeps queues of two runs apart", async () => {
    const other = await Queue.open(database.pool, "run2");
    await queue.add([request("a")]);
    await other.add([request("a"), request("b")]);
    expect(await other.counts()).toMatchObject({ total: 2 });
    expect(await queue.counts()).toMatchObject({ total: 1 });
  });
});

describe("claiming", () => {
  it("hands out forefront before priority before age, the last call with forefront first", async () => {
    await queue.add([request("old"), request("urgent", { priority: 5 }), request("young")]);
    await queue.add([request("front1"), request("front2", { priority: 1 })], true);
    await queue.add([request("frontmost")], true);
    expect(keys(await queue.claim(3))).toEqual(["frontmost", "front2", "front1"]);
    expect(keys(await queue.claim(3))).toEqual(["urgent", "old", "young"]);
    expect(await queue.claim(3)).toEqual([]);
  });

  it("hands out everything that was given, with attempt and retries", async () => {
    const given = request("a", { userData: { nested: [1, "ü"] }, label: "L", priority: -1 });
    await queue.add([given]);
    const [first] = await queue.claim(1);
    expect(first).toEqual({ ...given, id: requestId("a"), attempt: 1, retryCount: 0, errorMessages: [] });
    await queue.reclaim([{ ...first!, errorMessage: "429" }]);
    expect(await queue.claim(1)).toMatchObject([{ attempt: 2, retryCount: 1, errorMessages: ["429"] }]);
  });

  it("never hands out a request twice, however many ask at once", async () => {
    await queue.add(Array.from({ length: 200 }, (_, index) => request(`r${index}`)));
    const owners = ["a", "b", "c", "d", "e"].map((owner) => queue.as(owner));
    const claims = await Promise.all(
      owners.flatMap((owner) => Array.from({ length: 8 }, () => owner.claim(5))),
    );
    const claimed = keys(claims.flat());
    expect(claimed).toHaveLength(200);
    expect(new Set(claimed).size).toBe(200);
    await expectExactCounts();
  });
});

describe("leases", () => {
  it("brings what was leased and is overdue back to its old place, with a new attempt", async () => {
    await queue.add([request("a"), request("b")]);
    const [lost] = await queue.claim(1, 0);
    const [again] = await queue.as("other").claim(1);
    expect(again).toMatchObject({ uniqueKey: "a", attempt: 2 });
    expect(await queue.commit([commit(lost!)])).toEqual(["lost"]);
    expect(await queue.as("other").commit([commit(again!)])).toEqual(["done"]);
    await expectExactCounts();
  });

  it("renews only what the owner still has, and says so", async () => {
    await queue.add([request("a"), request("b")]);
    const [a, b] = await queue.claim(2, 0);
    expect(await queue.renew([a!.id])).toEqual([a!.id]);
    expect(keys(await queue.as("other").claim(5))).toEqual(["b"]);
    expect(await queue.renew([a!.id, b!.id])).toEqual([a!.id]);
    expect(await queue.as("other").renew([a!.id])).toEqual([]);
  });

  it("counts overdue leases as pending", async () => {
    await queue.add([request("a"), request("b")]);
    await queue.claim(1, 0);
    expect(await queue.counts()).toMatchObject({ pending: 2, claimed: 0 });
    expect(await queue.state()).toMatchObject({ isEmpty: false, isFinished: false });
  });

  it("can all be given back by their owner, and by nobody else", async () => {
    await queue.add([request("a")]);
    const claimed = await queue.claim(1);
    await queue.as("other").reclaim(claimed);
    expect(await queue.counts()).toMatchObject({ claimed: 1 });
    await queue.reclaim([{ id: claimed[0]!.id, attempt: 99 }]);
    expect(await queue.counts()).toMatchObject({ claimed: 1 });
    await queue.reclaim(claimed);
    expect(await queue.claim(1)).toMatchObject([{ attempt: 2, retryCount: 0 }]);
  });
});

describe("waiting", () => {
  it("hands out a delayed request when its time has come, in its old place", async () => {
    await queue.add([request("a"), request("b")]);
    const [a] = await queue.claim(1);
    await queue.reclaim([{ ...a!, delayMs: 700, errorMessage: "503" }]);
    expect(keys(await queue.claim(1))).toEqual(["b"]);
    expect(await queue.state()).toMatchObject({ isEmpty: true, isFinished: false });
    const { nextReadyInMs } = await queue.state();
    expect(nextReadyInMs).toBeGreaterThan(0);
    expect(nextReadyInMs).toBeLessThanOrEqual(700);
    expect(await queue.counts()).toMatchObject({ delayed: 1, pending: 0, claimed: 1 });
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(await queue.state()).toEqual({ isEmpty: false, isFinished: false, nextReadyInMs: null });
    expect(await queue.claim(1)).toMatchObject([{ uniqueKey: "a", retryCount: 1, errorMessages: ["503"] }]);
  });

  it("is finished only when nothing is pending, delayed or leased by anyone", async () => {
    expect(await queue.state()).toEqual({ isEmpty: true, isFinished: true, nextReadyInMs: null });
    await queue.add([request("a")]);
    const [a] = await queue.as("other").claim(1);
    expect(await queue.state()).toMatchObject({ isEmpty: true, isFinished: false });
    await queue.as("other").commit([commit(a!, { outcome: "failed" })]);
    expect(await queue.state()).toMatchObject({ isEmpty: true, isFinished: true });
    expect(await queue.counts()).toMatchObject({ total: 1, failed: 1, handled: 0 });
  });
});

describe("a queue of which 99 % is handled", () => {
  beforeEach(async () => {
    // A tenth of two million: the plans are the same, the test is quicker.
    await database.pool.query(
      `insert into requests (run_number, id, unique_key, url, label, user_data, priority, forefront, place, state,
        attempt, settled_at)
      select $1, lpad(n::text, 15, '0'), n::text, 'https://example.com/' || n, 'PAGE', '{}', n % 3, 0, n,
        case when n <= 198000 then 'handled' when n <= 199900 then 'pending' when n <= 199950 then 'delayed' else 'leased' end,
        1, now()
      from generate_series(1, 200000) n`,
      [queue.run],
    );
    await database.pool.query(
      `update requests set not_before = now() + interval '1 hour', lease_expires_at = now() + interval '1 hour',
        lease_owner = 'x'
      where state in ('delayed', 'leased')`,
    );
  });

  it.each([
    ["with statistics", "vacuum analyze requests"],
    ["without", "select 1"],
  ])("is read by its indexes alone, %s", async (_, prepare) => {
    await database.pool.query(prepare);
    const plans = await explain(
      database.pool,
      `select claim_requests(${queue.run}, 'me', 25, 60); select queue_state(${queue.run});
        select count_requests(${queue.run}); select renew_leases(${queue.run}, 'x', array['000000000199999'], 60);
        select add_requests(${queue.run}, '[{"url":"https://example.com/x","uniqueKey":"x","label":"PAGE"}]');
        select reclaim_requests(${queue.run}, 'x', '[{"id":"000000000199999","attempt":1}]');
        select commit_requests(${queue.run}, 'x', '[{"id":"000000000199998","attempt":1,"outcome":"handled","items":[],"children":[]}]')`,
    );
    const scans = plans.filter((line) => /Scan.* on requests\b/.test(line));
    expect(scans.length).toBeGreaterThan(10);
    expect(scans.filter((line) => !/Index (Only )?Scan using requests_\w+/.test(line))).toEqual([]);
    // Nothing is read only to be thrown away.
    expect(plans.filter((line) => /Rows Removed by (Filter|Join Filter): \d{3}/.test(line))).toEqual([]);
  });

  it("is listed by state in its index's order", async () => {
    await database.pool.query("vacuum analyze requests");
    const orders = {
      pending: "forefront desc, priority desc, place",
      leased: "lease_expires_at, id",
      delayed: "not_before, id",
      handled: "place",
      failed: "place",
    };
    for (const [state, order] of Object.entries(orders)) {
      const { rows } = await database.pool.query(
        `explain select id from requests where run_number = ${queue.run} and state = '${state}' order by ${order} limit 50`,
      );
      const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      expect(plan).toMatch(/Index (Only )?Scan using requests_/);
      expect(plan).not.toMatch(/Sort/);
    }
  });
});

it("a young queue, whose size nobody knows yet, is read by its indexes too", async () => {
  const fresh = await Queue.open(database.pool, "fresh");
  await fresh.add(Array.from({ length: 3000 }, (_, index) => request(`r${index}`)));
  for (let claimed = 0; claimed < 2000; claimed += 100)
    await fresh.commit((await fresh.claim(100)).map((one) => commit(one)));
  const commits = (await fresh.claim(100)).map((one) => commit(one));
  const plans = await explain(
    database.pool,
    `select commit_requests(${fresh.run}, 'me', '${JSON.stringify(commits)}')`,
  );
  expect(plans.filter((line) => /Rows Removed by .*: \d{4}/.test(line))).toEqual([]);
});
