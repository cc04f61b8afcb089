import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClaimedRequest, RequestCounts, RunStorage } from "../../shared/crawl/run-storage.ts";
import { commit, post, request, subreddit, user } from "./run-storage-samples.ts";

export interface RunStorageBackend {
  /** A new, empty storage. */
  open(): Promise<RunStorage>;
  /** Closes `storage` and opens it again. */
  reopen(storage: RunStorage): Promise<RunStorage>;
}

/** What every run storage promises, through nothing but its interface. */
export function runStorageContract(name: string, backend: RunStorageBackend): void {
  describe(`run storage: ${name}`, () => {
    let storage: RunStorage;
    beforeEach(async () => {
      storage = await backend.open();
    });
    afterEach(async () => storage.close());

    const reopen = async (): Promise<void> => {
      storage = await backend.reopen(storage);
    };
    const add = async (...keys: string[]) => storage.addRequests(keys.map((key) => request(key)));
    const claimOne = async (): Promise<ClaimedRequest> => {
      const [claimed] = await storage.claimRequests(1);
      if (!claimed) throw new Error("expected a request that can be claimed");
      return claimed;
    };
    const claimKeys = async (limit = 100) =>
      (await storage.claimRequests(limit)).map(({ uniqueKey }) => uniqueKey);

    describe("addRequests", () => {
      it("tells what was present and what was handled already", async () => {
        await add("old", "done");
        await storage.claimRequests(1);
        const done = await claimOne();
        await storage.commitRequests([commit(done)]);

        const results = await add("old", "done", "new");

        expect(
          results.map(({ uniqueKey, wasAlreadyPresent, wasAlreadyHandled }) => [
            uniqueKey,
            wasAlreadyPresent,
            wasAlreadyHandled,
          ]),
        ).toEqual([
          ["old", true, false],
          ["done", true, true],
          ["new", false, false],
        ]);
        expect(results[1]?.id).toBe(done.id);
      });

      it("adds a request once, within a call and over concurrent calls", async () => {
        const [within, ...others] = await Promise.all([add("a", "a"), add("a"), add("a")]);

        expect(within.map((result) => result.wasAlreadyPresent)).toEqual([false, true]);
        expect(others.flat().map((result) => result.wasAlreadyPresent)).toEqual([true, true]);
        expect(await claimKeys()).toEqual(["a"]);
      });

      it("knows what was added before the storage was opened again", async () => {
        await add("a");
        await reopen();

        expect(await add("a")).toMatchObject([{ wasAlreadyPresent: true }]);
        expect(await claimKeys()).toEqual(["a"]);
      });
    });

    describe("claimRequests", () => {
      it("hands out what was added, whole, as its first attempt", async () => {
        const added = request("a", {
          priority: 3,
          userData: { page: 2, nested: { list: [1, "zwei", null] } },
        });
        const [{ id } = { id: "" }] = await storage.addRequests([added]);

        expect(await claimOne()).toEqual({ ...added, id, attempt: 1, retryCount: 0, errorMessages: [] });
      });

      it("gives a priority of 0 to a request that came without", async () => {
        await add("a");
        expect((await claimOne()).priority).toBe(0);
      });

      it("is not affected by what callers do with their objects", async () => {
        const added = request("a", { userData: { page: 1 } });
        await storage.addRequests([added]);
        added.userData["page"] = 2;
        const first = await claimOne();
        expect(first.userData).toEqual({ page: 1 });
        first.userData["page"] = 3;
        await storage.reclaimRequests([first]);
        expect((await claimOne()).userData).toEqual({ page: 1 });
      });

      it("goes by age", async () => {
        await add("a", "b");
        await add("c");
        expect(await claimKeys()).toEqual(["a", "b", "c"]);
      });

      it("goes by priority before age", async () => {
        await storage.addRequests([
          request("low", { priority: -1 }),
          request("normal"),
          request("high", { priority: 5 }),
          request("high, later", { priority: 5 }),
        ]);
        expect(await claimKeys()).toEqual(["high", "high, later", "normal", "low"]);
      });

      it("puts forefront before everything, the last call first", async () => {
        await storage.addRequests([request("high", { priority: 9 }), request("normal")]);
        await storage.addRequests([request("first call")], { forefront: true });
        await storage.addRequests([request("last call, a"), request("last call, b")], { forefront: true });
        await add("late");

        expect(await claimKeys()).toEqual([
          "last call, a",
          "last call, b",
          "first call",
          "high",
          "normal",
          "late",
        ]);
      });

      it("keeps the order of concurrent forefront calls", async () => {
        await Promise.all(
          ["a", "b", "c"].map((key) => storage.addRequests([request(key)], { forefront: true })),
        );
        expect(await claimKeys()).toEqual(["c", "b", "a"]);
      });

      it("keeps the whole order over a reopening", async () => {
        await add("b", "c");
        await storage.addRequests([request("high", { priority: 1 })]);
        await storage.addRequests([request("front 1")], { forefront: true });
        await reopen();
        await storage.addRequests([request("front 2")], { forefront: true });
        await add("d");

        expect(await claimKeys()).toEqual(["front 2", "front 1", "high", "b", "c", "d"]);
      });

      it("hands out no more than the limit, and nothing when nothing is there", async () => {
        expect(await storage.claimRequests(5)).toEqual([]);
        await add("a", "b", "c");
        expect(await storage.claimRequests(0)).toEqual([]);
        expect(await claimKeys(2)).toEqual(["a", "b"]);
        expect(await claimKeys(2)).toEqual(["c"]);
      });

      it("never hands out a request to two claimers", async () => {
        await add(...Array.from({ length: 50 }, (_, index) => `request ${index}`));
        const claims = await Promise.all(Array.from({ length: 10 }, () => claimKeys(10)));
        expect(new Set(claims.flat()).size).toBe(50);
        expect(claims.flat()).toHaveLength(50);
      });
    });

    describe("commitRequests", () => {
      it("is done with a request for good, handled or failed", async () => {
        await add("good", "bad");
        const [good, bad] = await storage.claimRequests(2);
        expect(await storage.commitRequests([commit(good!), commit(bad!, { outcome: "failed" })])).toEqual([
          "done",
          "done",
        ]);
        await reopen();

        expect(await storage.counts()).toMatchObject({ total: 2, handled: 1, failed: 1 });
        expect(await claimKeys()).toEqual([]);
        expect(await add("bad")).toMatchObject([{ wasAlreadyHandled: true }]);
      });

      it("adds children that the queue has not seen, at the end", async () => {
        await add("parent", "sibling");
        const parent = await claimOne();
        const children = [request("child"), request("sibling"), request("child"), request("parent")];
        await storage.commitRequests([commit(parent, { children })]);

        expect(await claimKeys()).toEqual(["sibling", "child"]);
      });

      it("orders children by their priority", async () => {
        await add("parent", "sibling");
        await storage.commitRequests([
          commit(await claimOne(), { children: [request("child"), request("urgent", { priority: 1 })] }),
        ]);
        await reopen();
        expect(await claimKeys()).toEqual(["urgent", "sibling", "child"]);
      });

      it("counts items once a key, over commits and reopenings", async () => {
        await add("a", "b", "c");
        const [a, b, c] = await storage.claimRequests(3);
        await storage.commitRequests([commit(a!, { items: [post("1"), post("2"), subreddit("node")] })]);
        await storage.commitRequests([commit(b!, { items: [post("2"), post("2"), subreddit("node")] })]);
        expect(await storage.itemCounts()).toEqual({ reddit_posts: 2, reddit_subreddits: 1 });
        await reopen();
        expect(await storage.itemCounts()).toEqual({ reddit_posts: 2, reddit_subreddits: 1 });
        expect(await storage.commitRequests([commit(c!, { items: [post("3")] })])).toEqual(["lost"]);
        await storage.commitRequests([commit(await claimOne(), { items: [post("2"), post("3")] })]);
        expect(await storage.itemCounts()).toEqual({ reddit_posts: 3, reddit_subreddits: 1 });
      });

      it("answers done to the same commit again, and does nothing", async () => {
        await add("a");
        const first = await claimOne();
        const whole = commit(first, { items: [post("1")], children: [request("child")] });
        expect(
          await Promise.all([storage.commitRequests([whole]), storage.commitRequests([whole, whole])]),
        ).toEqual([["done"], ["done", "done"]]);
        await reopen();

        expect(await storage.commitRequests([whole])).toEqual(["done"]);
        expect(await storage.counts()).toMatchObject({ total: 2, handled: 1, pending: 1 });
        expect(await storage.itemCounts()).toEqual({ reddit_posts: 1 });
      });

      it("answers done to the same commit again when a later attempt made it", async () => {
        await add("a");
        const first = await claimOne();
        await storage.reclaimRequests([first]);
        const second = await claimOne();
        await storage.commitRequests([commit(second)]);
        await reopen();

        expect(await storage.commitRequests([commit(first), commit(second)])).toEqual(["lost", "done"]);
      });

      it("stores nothing of an attempt that lost its request", async () => {
        await add("a");
        const first = await claimOne();
        await storage.reclaimRequests([first]);
        const lost = commit(first, { items: [post("1")], children: [request("child")] });
        expect(await storage.commitRequests([lost])).toEqual(["lost"]);
        const second = await claimOne();
        expect(second.attempt).toBe(2);
        expect(await storage.commitRequests([lost])).toEqual(["lost"]);
        expect(await storage.commitRequests([commit(second)])).toEqual(["done"]);
        expect(await storage.commitRequests([lost])).toEqual(["lost"]);
        await reopen();

        expect(await storage.counts()).toMatchObject({ total: 1, handled: 1 });
        expect(await storage.itemCounts()).toEqual({});
      });

      it("answers lost for requests that nobody has claimed, or added", async () => {
        const [{ id } = { id: "" }] = await add("a");
        expect(
          await storage.commitRequests([
            { id, attempt: 1, outcome: "handled", items: [], children: [] },
            { id, attempt: 0, outcome: "handled", items: [], children: [] },
            { id: "AAAAAAAAAAAAAAA", attempt: 1, outcome: "handled", items: [], children: [] },
          ]),
        ).toEqual(["lost", "lost", "lost"]);
        expect(await claimKeys()).toEqual(["a"]);
      });

      it("answers in the order of the commits", async () => {
        await add("a", "b", "c");
        const [a, b, c] = await storage.claimRequests(3);
        await storage.reclaimRequests([b!]);
        expect(await storage.commitRequests([commit(c!), commit(b!), commit(a!)])).toEqual([
          "done",
          "lost",
          "done",
        ]);
      });

      it.each([
        { what: "of an unknown dataset", item: { dataset: "no_such", key: "k", item: {} }, error: /no_such/ },
        {
          what: "with a number that JSON lacks",
          item: post("k", { score: Number.NaN }),
          error: /reddit_posts.*score/s,
        },
        {
          what: "with a date object",
          item: post("k", { list: [new Date()] }),
          error: /k of reddit_posts.*Date/s,
        },
        { what: "with a bigint", item: post("k", { score: 1n }), error: /k of reddit_posts/ },
      ])("refuses an item $what, and stores nothing of the call", async ({ item, error }) => {
        await add("a", "b");
        const [a, b] = await storage.claimRequests(2);
        const call = storage.commitRequests([
          commit(a!, { items: [post("1")] }),
          commit(b!, { items: [item] }),
        ]);
        await expect(call).rejects.toThrow(error);

        expect(await storage.itemCounts()).toEqual({});
        expect(await storage.counts()).toMatchObject({ claimed: 2, handled: 0 });
        expect(await storage.commitRequests([commit(a!), commit(b!)])).toEqual(["done", "done"]);
      });
    });

    describe("reclaimRequests", () => {
      it("gives requests back to their old place", async () => {
        await add("a", "b", "c");
        const claimed = await storage.claimRequests(2);
        await storage.reclaimRequests(claimed.toReversed());
        expect(await claimKeys()).toEqual(["a", "b", "c"]);
      });

      it("hands nothing out before its delay has passed, over a reopening", async () => {
        await add("a", "b");
        await storage.reclaimRequests([{ ...(await claimOne()), delayMs: 700 }]);
        expect(await storage.counts()).toMatchObject({ total: 2, delayed: 1, pending: 1 });
        expect(await claimKeys()).toEqual(["b"]);
        expect(await storage.isEmpty()).toBe(true);
        await reopen();
        expect(await claimKeys()).toEqual(["b"]);
        const delayMs = await storage.nextReadyInMs();
        expect(delayMs).toBeGreaterThan(0);
        expect(delayMs).toBeLessThanOrEqual(700);

        await sleep((delayMs ?? 0) + 20);
        expect(await storage.nextReadyInMs()).toBeNull();
        expect(await storage.isEmpty()).toBe(false);
        expect(await claimKeys()).toEqual(["a"]);
      });

      it("refuses a delay that never ends", async () => {
        await add("a");
        const claimed = await claimOne();
        const call = storage.reclaimRequests([{ ...claimed, delayMs: Infinity }]);
        await expect(call).rejects.toThrow(/delayMs .*expected milliseconds, got Infinity/);
        expect(await storage.commitRequests([commit(claimed)])).toEqual(["done"]);
      });

      it("counts a retry when there is a message, and keeps all messages", async () => {
        await add("a");
        await storage.reclaimRequests([{ ...(await claimOne()), errorMessage: "first" }]);
        await storage.reclaimRequests([await claimOne()]);
        await reopen();
        await storage.reclaimRequests([{ ...(await claimOne()), errorMessage: "second" }]);
        await reopen();

        expect(await claimOne()).toMatchObject({
          attempt: 4,
          retryCount: 2,
          errorMessages: ["first", "second"],
        });
      });

      it("leaves alone what another attempt owns or has committed", async () => {
        await add("a", "b");
        const [a, b] = await storage.claimRequests(2);
        await storage.commitRequests([commit(b!)]);
        await storage.reclaimRequests([a!]);
        await claimOne();
        await storage.reclaimRequests([
          { ...a!, errorMessage: "late" },
          { ...b!, errorMessage: "late" },
        ]);

        expect(await storage.counts()).toMatchObject({ claimed: 1, handled: 1, pending: 0 });
        await reopen();
        expect(await claimOne()).toMatchObject({ uniqueKey: "a", retryCount: 0 });
      });

      it("settles a commit and a reclaim of one attempt that come at once by the first", async () => {
        await add("a", "b");
        const [a, b] = await storage.claimRequests(2);
        const [committed, , , lost] = await Promise.all([
          storage.commitRequests([commit(a!)]),
          storage.reclaimRequests([a!]),
          storage.reclaimRequests([b!]),
          storage.commitRequests([commit(b!)]),
        ]);
        expect([committed, lost]).toEqual([["done"], ["lost"]]);
        await reopen();
        expect(await claimKeys()).toEqual(["b"]);
      });
    });

    describe("attempts", () => {
      it("never repeat, whatever happens to a request", async () => {
        await add("a");
        const attempts: number[] = [];
        for (let round = 0; round < 3; round++) {
          const { attempt, id } = await claimOne();
          attempts.push(attempt);
          await storage.reclaimRequests([{ id, attempt }]);
          attempts.push((await claimOne()).attempt);
          await reopen();
        }
        expect(attempts).toEqual([1, 2, 3, 4, 5, 6]);
      });
    });

    describe("state", () => {
      it("is empty and finished before anything was added", async () => {
        expect(await storage.isEmpty()).toBe(true);
        expect(await storage.isFinished()).toBe(true);
        expect(await storage.nextReadyInMs()).toBeNull();
        expect(await storage.counts()).toEqual(counts({}));
        expect(await storage.itemCounts()).toEqual({});
      });

      it("is empty but not finished while something is claimed or delayed", async () => {
        await add("a");
        expect([await storage.isEmpty(), await storage.isFinished()]).toEqual([false, false]);
        const claimed = await claimOne();
        expect([await storage.isEmpty(), await storage.isFinished()]).toEqual([true, false]);
        await storage.reclaimRequests([{ ...claimed, delayMs: 60_000 }]);
        expect([await storage.isEmpty(), await storage.isFinished()]).toEqual([true, false]);
      });

      it("is finished when the last request is done with", async () => {
        await add("a");
        await storage.commitRequests([commit(await claimOne(), { outcome: "failed" })]);
        expect([await storage.isEmpty(), await storage.isFinished()]).toEqual([true, true]);
      });

      it("counts every request in one place", async () => {
        await add("a", "b", "c", "d", "e");
        const [a, b, c] = await storage.claimRequests(4);
        await storage.commitRequests([commit(a!), commit(b!, { outcome: "failed" })]);
        await storage.reclaimRequests([{ ...c!, delayMs: 60_000 }]);

        const expected = counts({ total: 5, pending: 1, claimed: 1, delayed: 1, handled: 1, failed: 1 });
        expect(await storage.counts()).toEqual(expected);
        await reopen();
        expect(await storage.counts()).toEqual({ ...expected, pending: 2, claimed: 0 });
      });
    });

    describe("getItems", () => {
      it("has U+FFFD where an item has what no database can store", async () => {
        await add("a");
        const items = [user("ann", { "bio\0": "no\0ne \uDE00", title: "😀" })];
        await storage.commitRequests([commit(await claimOne(), { items })]);
        const stored = { username: "ann", "bio\uFFFD": "no\uFFFDne \uFFFD", title: "😀" };
        expect(await storage.getItems("reddit_users", ["ann"])).toEqual([stored]);
        await reopen();
        expect(await storage.getItems("reddit_users", ["ann"])).toEqual([stored]);
      });

      it("answers items as they are merged by now, in the order of the keys, also after a reopening", async () => {
        await add("a", "b", "c");
        await storage.commitRequests([commit(await claimOne(), { items: [user("Ann", { link_karma: 1 })] })]);
        const again = [user("Ann", { comment_karma: 2 }), user("Bob")];
        await storage.commitRequests([commit(await claimOne(), { items: again })]);
        const expected = [{ username: "Bob" }, null, { username: "Ann", link_karma: 1, comment_karma: 2 }];
        expect(await storage.getItems("reddit_users", ["bob", "nobody", "ann"])).toEqual(expected);

        await reopen();
        expect(await storage.getItems("reddit_users", ["bob", "nobody", "ann"])).toEqual(expected);
      });

      it("keeps what a later item leaves out, and has none where it says so", async () => {
        await add("a", "b");
        const told = [user("ann", { title: "x", bio: "y", link_karma: 1 })];
        await storage.commitRequests([commit(await claimOne(), { items: told })]);
        const later = [user("ann", { title: null, bio: undefined })];
        await storage.commitRequests([commit(await claimOne(), { items: later })]);
        const expected = { username: "ann", title: null, bio: "y", link_karma: 1 };
        expect(await storage.getItems("reddit_users", ["ann"])).toEqual([expected]);
        await reopen();
        expect(await storage.getItems("reddit_users", ["ann"])).toEqual([expected]);
      });

      it("knows nothing of items whose commit was lost", async () => {
        await add("a");
        const claimed = await claimOne();
        await storage.commitRequests([commit({ ...claimed, attempt: 99 }, { items: [user("Ann")] })]);
        expect(await storage.getItems("reddit_users", ["ann"])).toEqual([null]);
      });

      it("refuses a dataset that is not marked for it", async () => {
        await expect(storage.getItems("reddit_posts", ["1"])).rejects.toThrow(/reddit_posts.*lookup/);
      });
    });

    describe("records", () => {
      it("come back as they were stored, also after a reopening", async () => {
        const value = { list: [1, "zwei", null, { deep: true }], text: "ünï\n" };
        await storage.setRecord("A-Z_a.z'0(9)!", value);
        await storage.setRecord("null", null);
        await reopen();
        expect(await storage.getRecord("A-Z_a.z'0(9)!")).toEqual(value);
        expect(await storage.getRecord("null")).toBeNull();
      });

      it("are undefined when absent or deleted", async () => {
        expect(await storage.getRecord("OUTPUT")).toBeUndefined();
        await storage.setRecord("OUTPUT", 1);
        await storage.setRecord("OUTPUT", undefined);
        await storage.setRecord("OUTPUT", undefined);
        expect(await storage.getRecord("OUTPUT")).toBeUndefined();
      });

      it("have the value of the last call, of concurrent ones too", async () => {
        await Promise.all(Array.from({ length: 20 }, (_, index) => storage.setRecord("STATE", { index })));
        expect(await storage.getRecord("STATE")).toEqual({ index: 19 });
      });

      it.each(["", "a/b", "../a", "ä", "a b", "x".repeat(257)])("refuse the key %j", async (key) => {
        await expect(storage.setRecord(key, 1)).rejects.toThrow(/record key/);
        await expect(storage.getRecord(key)).rejects.toThrow(/record key/);
      });

      it("refuse what is not JSON", async () => {
        await expect(storage.setRecord("OUTPUT", { seen: new Map() })).rejects.toThrow(/OUTPUT.*seen.*Map/s);
      });
    });

    describe("close", () => {
      it("gives everything claimed back", async () => {
        await add("a", "b");
        const [a] = await storage.claimRequests(2);
        await reopen();

        expect(await storage.counts()).toMatchObject({ pending: 2, claimed: 0 });
        const again = await claimOne();
        expect(again).toMatchObject({ uniqueKey: "a", attempt: 2, retryCount: 0 });
        expect(await storage.commitRequests([commit(a!)])).toEqual(["lost"]);
        expect(await storage.commitRequests([commit(again)])).toEqual(["done"]);
      });

      it("waits for calls that are under way", async () => {
        await add("a");
        const claimed = await claimOne();
        const committing = storage.commitRequests([commit(claimed, { items: [post("1")] })]);
        const storing = Promise.all(
          Array.from({ length: 30 }, (_, index) => storage.setRecord("OUTPUT", { index })),
        );
        await reopen();
        expect(await storage.getRecord("OUTPUT")).toEqual({ index: 29 });
        expect(await committing).toEqual(["done"]);
        await storing;
        expect(await storage.counts()).toMatchObject({ total: 1, handled: 1 });
        expect(await storage.itemCounts()).toEqual({ reddit_posts: 1 });
      });

      it("may be called twice", async () => {
        await storage.close();
        await expect(storage.close()).resolves.toBeUndefined();
      });
    });
  });
}

function counts(some: Partial<RequestCounts>): RequestCounts {
  return { total: 0, pending: 0, claimed: 0, delayed: 0, handled: 0, failed: 0, ...some };
}
