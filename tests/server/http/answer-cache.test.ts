import { describe, expect, it } from "vitest";
import { AnswerCache } from "../../../server/http/answer-cache.ts";
import { JsonText } from "../../../server/http/reply.ts";
import { steadyNow } from "../../../shared/steady-clock.ts";

/** Makes numbered answers, when it is told to. */
function maker() {
  let made = 0;
  const release = Promise.withResolvers<void>();
  const make = async () => {
    made++;
    await release.promise;
    return new JsonText(String(made));
  };
  return { make, release: release.resolve, made: () => made };
}
const text = async (kept: Promise<{ answer: JsonText }>) => (await kept).answer.body.toString();

describe("AnswerCache", () => {
  it("makes one answer for all who ask meanwhile, and keeps it", async () => {
    const cache = new AnswerCache(true);
    const { make, release, made } = maker();
    const asked = [1, 2, 3].map(() => text(cache.get("k", 1_000, false, make)));
    release();
    expect(await Promise.all(asked)).toEqual(["1", "1", "1"]);
    expect(await text(cache.get("k", 1_000, false, make))).toBe("1");
    expect(made()).toBe(1);
    expect(cache.counts).toEqual({ hits: 3, misses: 1 });
  });

  it("makes a new one for who wants nothing that is kept, and for another key", async () => {
    const cache = new AnswerCache(true);
    const { make, release } = maker();
    release();
    await cache.get("k", 1_000, false, make);
    expect(await text(cache.get("k", 1_000, true, make))).toBe("2");
    expect(await text(cache.get("k", 1_000, false, make))).toBe("2");
    expect(await text(cache.get("other", 1_000, false, make))).toBe("3");
  });

  it("makes a new one in the second half of its time, and nobody waits for it", async () => {
    const cache = new AnswerCache(true);
    let made = 0;
    const slow = Promise.withResolvers<void>();
    const make = async () => {
      if (++made > 1) await slow.promise;
      return new JsonText(String(made));
    };
    await cache.get("k", 2_000, false, make);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect(await text(cache.get("k", 2_000, false, make))).toBe("1");
    expect(await text(cache.get("k", 2_000, false, make))).toBe("1");
    expect(made).toBe(2);
    slow.resolve();
    await new Promise(setImmediate);
    expect(await text(cache.get("k", 2_000, false, make))).toBe("2");
    expect(cache.counts).toEqual({ hits: 3, misses: 1 });
  });

  it("does not keep what was begun before it was cleared", async () => {
    const cache = new AnswerCache(true);
    const { make, release } = maker();
    const before = cache.get("k", 1_000, false, make);
    cache.clear();
    release();
    await before;
    expect(await text(cache.get("k", 1_000, false, make))).toBe("2");
  });

  it("counts its time from when its making began", async () => {
    const cache = new AnswerCache(true);
    let made = 0;
    const make = async () => {
      const number = String(++made);
      await new Promise((resolve) => setTimeout(resolve, 60));
      return new JsonText(number);
    };
    const startedAt = steadyNow();
    const { at } = await cache.get("k", 50, false, make);
    expect(at - startedAt).toBeLessThan(40);
    expect(await text(cache.get("k", 50, false, make))).toBe("2");
  });

  it("does not keep failures", async () => {
    const cache = new AnswerCache(true);
    await expect(cache.get("k", 1_000, false, () => Promise.reject(new Error("away")))).rejects.toThrow(
      "away",
    );
    expect(await text(cache.get("k", 1_000, false, async () => new JsonText("1")))).toBe("1");
  });

  it("keeps nothing when it is switched off", async () => {
    const cache = new AnswerCache(false);
    const { make, release } = maker();
    release();
    await cache.get("k", 1_000, false, make);
    expect(await text(cache.get("k", 1_000, false, make))).toBe("2");
  });
});
