import { expect, it } from "vitest";
import { compareWithWorld, crawlWorld, startWorld } from "./instagram-world.ts";
import { items } from "./test-site.ts";

const WHOLE = { posts: 24, reels: 36 };

it("ends at the plan's quota with all that it has, and goes on when it may", async () => {
  const world = await startWorld({
    instagram: { creators: 20, apiPlan: { perMonth: 40 } },
    // Many calls are on their way at once.
    faults: [{ kind: "slow_headers", delay_ms: 150 }],
  });
  const input = { ids: world.ids, ...WHOLE };
  const ended = await crawlWorld(world, input);
  expect(ended.exitCode).toBe(1);
  expect(ended.summary?.statusMessage).toMatch(/the plan's quota of 40 calls is used up; it starts again in/);
  const calls = await world.calls("/looter2");
  expect(calls.filter(({ price_usd }) => price_usd > 0)).toHaveLength(40);
  expect(calls.filter(({ status }) => status === 429)).toEqual([]);
  expect(ended.summary?.requestsPending).toBeGreaterThan(0);
  expect((await items(ended.config, "instagram_posts")).length).toBeGreaterThan(50);

  const other = { ...ended.config, rapidApiKey: "sandbox-rapidapi-key-2" };
  const resumed = await crawlWorld(world, input, { config: other, resume: true });
  expect(resumed.summary?.requestsFinished).toBeGreaterThan(60);
});

it("says of which creators nothing came", async () => {
  const world = await startWorld({ instagram: { creators: 3 } });
  const missing = await crawlWorld(world, { usernames: ["no_such_creator_1"] });
  expect([missing.exitCode, missing.summary?.status]).toEqual([0, "SUCCEEDED"]);
  expect(missing.summary?.statusMessage).toBe("1 of 1 creators not found");
});

it("ends at once when the key is refused", async () => {
  const world = await startWorld({ instagram: { creators: 20 } });
  const { exitCode, summary } = await crawlWorld(
    world,
    { ids: world.ids },
    { env: { RAPIDAPI_KEY: "somebody-else" } },
  );
  expect(exitCode).toBe(1);
  expect(summary?.statusMessage).toContain("the key is refused: You are not subscribed to this API.");
  expect(summary?.items).toEqual({});
  expect(summary?.requestsPending).toBe(20);
});

it("stops before it costs more than it may, and says so", async () => {
  const world = await startWorld({ instagram: { creators: 20 } });
  const { exitCode, summary, config } = await crawlWorld(world, {
    ids: world.ids,
    // Twenty calls, and the half of another one.
    max_cost_usd: 20.5 * 0.00066,
  });
  expect([exitCode, summary?.status, summary?.requestsSent]).toEqual([0, "ABORTED", 20]);
  expect(summary?.statusMessage).toBe("the limit of 0.01353 USD is reached: 0.0132 USD are spent");
  expect((await world.calls("/looter2")).length).toBe(20);

  const resumed = await crawlWorld(
    world,
    { ids: world.ids, max_cost_usd: 25 * 0.00066 },
    { config, resume: true },
  );
  expect(resumed.summary?.requestsSent).toBe(5);
  expect(resumed.summary?.costUsd).toBe(0.0165);
});

it("goes on with the web where the data API's quota ends", async () => {
  const world = await startWorld({ instagram: { creators: 20, apiPlan: { perMonth: 30 } } });
  const { summary, config } = await crawlWorld(
    world,
    { ids: world.ids, ...WHOLE },
    { env: { INSTAGRAM_SOURCES: "api,web" } },
  );
  expect(summary?.status).toBe("SUCCEEDED");
  // What another source did has not failed.
  expect(Object.keys(summary!.failures).filter((reason) => !reason.startsWith("gone/"))).toEqual([]);
  const paid = (await world.calls("/looter2")).filter(({ price_usd }) => price_usd > 0);
  expect(paid).toHaveLength(30);
  expect((await world.calls("/ig")).length).toBeGreaterThan(20);
  const sources = new Set((await items(config, "instagram_posts")).map(({ source }) => source));
  expect(sources).toEqual(new Set(["api/user-feeds", "web/graphql/query/"]));
  const creators = await items(config, "instagram_creators");
  const open = await Promise.all(
    world.names.map((name) => world.truth<{ availability: string }>(`instagram_creators/${name}?source=web`)),
  );
  expect(creators.filter((item) => item["availability"] === "ok").length).toBeGreaterThanOrEqual(
    open.filter(({ availability }) => availability === "ok").length,
  );
});

it("retires the web when its queries have died, and says which settings to look at", async () => {
  const world = await startWorld({ instagram: { creators: 20 }, faults: [{ kind: "dead_doc_id" }] });
  const { exitCode, summary } = await crawlWorld(world, { usernames: world.names, source: "web" });
  expect(exitCode).toBe(1);
  expect(summary?.statusMessage).toContain("set INSTAGRAM_PROFILE_DOC_ID");
  expect((await world.calls("/ig")).length).toBeLessThan(25);
});

it("tells what a crawl has not found", async () => {
  const world = await startWorld({ instagram: { creators: 20 } });
  const { config } = await crawlWorld(world, { ids: world.ids.slice(0, 1), posts: 12, reels: 0 });
  const differences = await compareWithWorld(world, config, { creators: world.ids, ...WHOLE });
  expect(differences.length).toBeGreaterThan(10);
});
