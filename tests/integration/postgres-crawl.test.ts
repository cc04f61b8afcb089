import { expect, it } from "vitest";
import { crawlTogether } from "./postgres-shared-crawl.ts";

it("four processes share a crawl, two are killed, the database restarts: every item and row once, no budget exceeded", async () => {
  const { differences, windows, items, events } = await crawlTogether({ subreddits: 30, seed: 5 });
  expect(differences, events.join("\n")).toEqual([]);
  expect(windows).toBeGreaterThan(4);
  expect(items).toBeGreaterThan(500);
}, 240_000);
