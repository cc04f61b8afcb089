import { expect, it } from "vitest";
import { items } from "./test-site.ts";
import { compareWithWorld, crawlWorld, startWorld } from "./instagram-world.ts";

const WHOLE = { posts: 24, reels: 36 };

it("finds by the data API, under faults, what a perfect crawl finds, field by field", async () => {
  const world = await startWorld({
    instagram: { creators: 20 },
    faults: [
      { kind: "status", rate: 0.06, status: 503 },
      { kind: "status_false", rate: 0.05 },
      { kind: "html_instead_of_json", rate: 0.03 },
      { kind: "truncated_json", rate: 0.03 },
      { kind: "empty_body", rate: 0.03 },
      { kind: "per_second", rate: 0.03 },
      { kind: "reset", rate: 0.03 },
      { kind: "wrapped", rate: 0.3 },
      { kind: "empty_page", times: 1, match: "/user-feeds" },
      { kind: "empty_page", times: 3, match: "max_id=" },
    ],
  });
  const { summary, config } = await crawlWorld(world, { ids: world.ids, related: true, ...WHOLE });
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsPending: 0 });
  expect(await compareWithWorld(world, config, { creators: world.ids, related: true, ...WHOLE })).toEqual([]);
  const paid = (await world.calls("/looter2")).reduce((sum, { price_usd }) => sum + price_usd, 0);
  expect(summary?.costUsd).toBeCloseTo(paid, 6);
  // What was given up were facts about creators.
  expect(Object.keys(summary!.failures).filter((reason) => !reason.startsWith("gone/"))).toEqual([]);
});

it("finds by the web what the web tells", async () => {
  const world = await startWorld({
    instagram: { creators: 20 },
    faults: [
      { kind: "status", rate: 0.05, status: 502 },
      { kind: "truncated_json", rate: 0.03 },
      { kind: "login_page", rate: 0.03 },
      { kind: "please_wait", times: 2 },
    ],
  });
  const { summary, config } = await crawlWorld(world, { usernames: world.names, source: "web", ...WHOLE });
  expect(summary?.status).toBe("SUCCEEDED");
  expect(await compareWithWorld(world, config, { creators: world.names, source: "web", ...WHOLE })).toEqual(
    [],
  );
  // A login wall is not waited for, a real refusal is.
  expect(summary?.failures).toHaveProperty(["gone/require_login"], 1);
  expect(summary?.outcomes.throttled).toBe(2);
});

it("keeps fifty creators at once apart: each has the figures that it has alone", async () => {
  const world = await startWorld({ instagram: { creators: 60 } });
  const input = { ids: world.ids.slice(0, 50), posts: 12, reels: 12 };
  const figures = async (maxConcurrency: number) => {
    const { config } = await crawlWorld(world, input, { maxConcurrency });
    const creators = await items(config, "instagram_creators");
    return creators
      .map((item) => {
        const { observed_at: _, metrics_at: __, days_since_last_post: ___, ...rest } = item;
        return rest;
      })
      .sort((a, b) => String(a["ig_user_id"]).localeCompare(String(b["ig_user_id"])));
  };
  const together = await figures(50);
  expect(together).toHaveLength(50);
  expect(together).toEqual(await figures(1));
  const rates = together.flatMap(({ engagement_rate }) => engagement_rate ?? []);
  expect(new Set(rates).size).toBe(rates.length);
  expect(rates.length).toBeGreaterThan(30);
});
