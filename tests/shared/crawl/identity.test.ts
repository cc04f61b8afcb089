import { describe, expect, it } from "vitest";
import { Health } from "../../../shared/crawl/identity.ts";

describe("Health", () => {
  it("cools down for twice as long after each block", () => {
    const health = new Health();
    health.failed(0, 0, "blocked");
    expect(health.opensAt(1)).toBe(10_000);
    health.failed(10_000, 10_000, "blocked");
    expect(health.opensAt(10_001)).toBe(30_000);
  });

  it("cools down for an hour at the most", () => {
    const health = new Health();
    for (let i = 0; i < 20; i++) health.failed(i, i, "blocked");
    expect(health.opensAt(20)).toBeLessThanOrEqual(20 + 3_600_000);
  });

  it("sends one probe after a cool-down and waits for its answer", () => {
    const health = new Health();
    health.failed(0, 0, "blocked");
    health.sent();
    expect(health.opensAt(10_001)).toBe(Infinity);
    health.succeeded();
    expect(health.opensAt(10_002)).toBe(10_002);
  });

  it("probes again when the probe told nothing", () => {
    const health = new Health();
    health.failed(0, 0, "blocked");
    health.sent();
    health.undecided();
    expect(health.opensAt(10_001)).toBe(10_001);
  });

  it("learns nothing from requests that were under way when the cool-down began", () => {
    const health = new Health();
    health.failed(5, 10, "blocked");
    health.failed(6, 11, "blocked");
    expect(health.opensAt(12)).toBe(10_010);
  });

  it("shortens the next cool-down by a success", () => {
    const health = new Health();
    for (const at of [0, 10_000]) health.failed(at, at, "blocked");
    health.succeeded();
    for (const at of [40_000, 50_000]) health.failed(at, at, "blocked");
    expect(health.opensAt(50_001)).toBe(70_000);
  });

  it("is only in doubt for a moment when it is blocked out of the blue", () => {
    const health = new Health();
    health.succeeded();
    health.failed(0, 0, "blocked");
    expect(health.opensAt(1)).toBe(3_000);
    health.failed(3_000, 3_000, "blocked");
    expect(health.opensAt(3_001)).toBe(13_000);
  });

  it("takes the third broken connection in a row for a failure", () => {
    const health = new Health();
    for (const at of [1, 2]) health.broke(at, at, "reset");
    expect(health.opensAt(3)).toBe(3);
    health.broke(3, 3, "reset");
    expect(health.opensAt(4)).toBe(10_003);
  });

  it("cools down for longer each time that no connection comes about, a minute at the most", () => {
    const health = new Health();
    let now = 0;
    const waits = Array.from({ length: 8 }, () => {
      health.cutOff(now, now, "refused");
      const wait = health.opensAt(now) - now;
      now += wait;
      return wait / 1000;
    });
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it("counts connections that were on their way together as one", () => {
    const health = new Health();
    for (let i = 0; i < 20; i++) health.cutOff(i, 100, "refused");
    expect(health.opensAt(100)).toBe(2_100);
    expect(health.isDeadAfter(2)).toBe(false);
  });

  it("is dead when nothing came about so often in a row, unless it ever got through", () => {
    const health = new Health();
    for (const at of [0, 10_000]) health.cutOff(at, at, "refused");
    expect(health.isDeadAfter(3)).toBe(false);
    health.cutOff(20_000, 20_000, "refused");
    expect(health.isDeadAfter(3)).toBe(true);
    health.succeeded();
    for (const at of [30_000, 40_000, 60_000]) health.cutOff(at, at, "refused");
    expect(health.isDeadAfter(3)).toBe(false);
  });

  it("is proven once it got through", () => {
    const health = new Health();
    expect(health.isProven).toBe(false);
    health.succeeded();
    expect(health.isProven).toBe(true);
    health.failed(0, 0, "blocked");
    expect(health.isProven).toBe(true);
  });

  it("never opens again once retired", () => {
    const health = new Health();
    health.retire("check the secret");
    health.succeeded();
    expect(health.opensAt(1)).toBe(Infinity);
    expect(health.retired).toBe("check the secret");
  });
});
