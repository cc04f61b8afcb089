import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { type Call, crawlWorld, startWorld } from "./instagram-world.ts";
import { items } from "./test-site.ts";

function callsOf(calls: readonly Call[], endpoint: string, creator: string): number {
  return calls.filter((call) => call.endpoint === endpoint && call.path.includes(creator)).length;
}

it("costs what the lists take, three calls for a known creator with nothing new, and says so", async () => {
  const world = await startWorld({ instagram: { creators: 20 } });
  const first = await crawlWorld(world, { ids: world.ids, related: true });
  const calls = await world.calls("/looter2");
  for (const [index, id] of world.ids.entries()) {
    const about = `id=${id}`;
    // The provider's pages of reels have 12, 6 or 9 entries, by creator.
    const reelsPage = [12, 6, 9][index % 3]!;
    expect(callsOf(calls, "/profile", about)).toBe(1);
    expect(callsOf(calls, "/user-feeds", about)).toBeLessThanOrEqual(Math.ceil(24 / 12));
    expect(callsOf(calls, "/reels", about)).toBeLessThanOrEqual(Math.ceil(36 / reelsPage));
    expect(callsOf(calls, "/related-profiles", about)).toBeLessThanOrEqual(1);
  }
  const paid = calls.reduce((sum, { price_usd }) => sum + price_usd, 0);
  expect(first.summary?.costUsd).toBeCloseTo(paid, 6);
  expect(first.summary?.usage["rapidapi"]?.calls).toBe(calls.length);
  const ledger = await readFile(
    path.join(first.config.storageDir, "request_queues/instagram/usage.jsonl"),
    "utf8",
  );
  expect(ledger.trim().split("\n")).toHaveLength(calls.length);
  const creators = await items(first.config, "instagram_creators");
  const spent = creators.reduce((sum, item) => sum + Number(item["api_calls"] ?? 0), 0);
  // Those that are not there have no item that could tell their one call.
  expect(spent).toBe(calls.length - (20 - creators.filter((item) => "api_calls" in item).length));

  const since = Math.max(...calls.map(({ at }) => at)) + 1;
  const again = await crawlWorld(world, { ids: world.ids }, { config: first.config });
  expect(again.summary?.status).toBe("SUCCEEDED");
  const later = await world.calls("/looter2", since);
  const open = creators.filter(
    ({ availability, media_count }) => availability === "ok" && Number(media_count) > 0,
  );
  const [endpoints, ids] = [
    ["/profile", "/user-feeds", "/reels"],
    open.map((item) => String(item["ig_user_id"])),
  ];
  for (const id of ids)
    for (const [i, endpoint] of endpoints.entries()) {
      // Pages of reels with 6 or 9 entries do not show twelve in one call.
      const most = i === 2 ? 2 : 1;
      expect(callsOf(later, endpoint, `id=${id}`)).toBeLessThanOrEqual(most);
    }
  expect(later.length).toBeLessThan(calls.length / 2);
});

it("reads no more of a known creator than what is new", async () => {
  const world = await startWorld({ instagram: { creators: 20 }, growth: 1 });
  const known = { ids: [world.ids[0]!], posts: 100, reels: 100 };
  const first = await crawlWorld(world, known);
  const before = (await world.calls("/looter2")).length;
  await crawlWorld(world, known, { config: first.config });
  // The profile, a page of posts and one of reels.
  expect((await world.calls("/looter2")).length - before).toBe(3);
  await world.control("time", { advance_secs: 40 * 86_400 });
  const read = (await world.calls("/looter2")).length;
  const third = await crawlWorld(world, known, { config: first.config });
  expect((await world.calls("/looter2")).length - read).toBeLessThan(12);
  const seen = await items(third.config, "instagram_posts");
  const truth = await world.truth<{ media_id: string; taken_at: string }[]>(
    `instagram_posts/${world.names[0]}?limit=100`,
  );
  const newest = truth.filter(({ taken_at }) => Date.parse(taken_at) > Date.now());
  expect(seen.map(({ media_id }) => media_id)).toEqual(
    expect.arrayContaining(newest.map(({ media_id }) => media_id)),
  );
});

it("never exceeds the rate a second, and needs no refusal to know it", async () => {
  const world = await startWorld({ instagram: { creators: 20, apiPlan: { perSecond: 10 } } });
  const { summary } = await crawlWorld(
    world,
    { ids: world.ids.slice(0, 8), posts: 12, reels: 12 },
    { env: { INSTAGRAM_API_REQUESTS_PER_SEC: "10" } },
  );
  expect(summary?.status).toBe("SUCCEEDED");
  const calls = await world.calls("/looter2");
  expect(calls.filter(({ status }) => status === 429)).toEqual([]);
  const bySecond = Map.groupBy(calls, ({ at }) => Math.floor(at / 1000));
  expect(Math.max(...[...bySecond.values()].map((group) => group.length))).toBeLessThanOrEqual(10);
});

it("learns an hour's allowance from the gateway, and leaves the rest queued", async () => {
  // The gateway shows the hour only when it has less left than the second.
  const world = await startWorld({ instagram: { creators: 20, apiPlan: { perSecond: 10, perHour: 30 } } });
  const env = {
    MAX_STALL_SECS: "2",
    INSTAGRAM_API_REQUESTS_PER_SEC: "10",
    INSTAGRAM_API_REQUESTS_PER_HOUR: "1000",
  };
  const { summary, exitCode } = await crawlWorld(world, { ids: world.ids }, { env });
  expect(exitCode).toBe(1);
  expect(summary?.statusMessage).toContain("no identity may send within 2 s");
  expect(summary?.requestsPending).toBeGreaterThan(0);
  const calls = await world.calls("/looter2");
  expect(calls.filter(({ status }) => status === 200 || status === 404).length).toBeLessThanOrEqual(30);
  expect(calls.filter(({ status }) => status === 429)).toEqual([]);
});
