import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { openUsageFile } from "../../../shared/crawl/local/usage-file.ts";
import { UsageLedger, type UsageEntry } from "../../../shared/crawl/usage-ledger.ts";

const entry = (provider: string, cost_usd: number): UsageEntry => ({
  at: "2026-01-01T00:00:00.000Z",
  provider,
  endpoint: "/profile",
  status: 200,
  units: 1,
  cost_usd,
});

it("sums calls and costs by provider, on top of what was spent before", () => {
  const ledger = new UsageLedger({ spentUsd: 1 });
  for (const one of [entry("a", 0.5), entry("a", 0.25), entry("b", 0)]) ledger.record(one);
  expect(ledger.spentUsd).toBe(1.75);
  expect(ledger.totals).toEqual({ a: { calls: 2, costUsd: 0.75 }, b: { calls: 1, costUsd: 0 } });
});

it("writes what came together together, in order, and all of it before it closes", async () => {
  const written: number[][] = [];
  const ledger = new UsageLedger({
    write: async (entries) => void written.push(entries.map(({ cost_usd }) => cost_usd)),
  });
  ledger.record(entry("a", 1));
  ledger.record(entry("a", 2));
  await ledger.close();
  ledger.record(entry("a", 3));
  await ledger.close();
  expect(written).toEqual([[1, 2], [3]]);
});

it("goes on when an entry cannot be written, and says so", async () => {
  const errors: string[] = [];
  const ledger = new UsageLedger({
    write: () => Promise.reject(new Error("disk full")),
    onError: ({ message }) => errors.push(message),
  });
  ledger.record(entry("a", 1));
  await ledger.close();
  ledger.record(entry("a", 1));
  await ledger.close();
  expect(errors).toEqual(["disk full", "disk full"]);
});

it("of a local crawl outlives its process; a line that cannot be read was as dear as the dearest", async () => {
  const storageDir = await mkdtemp(path.join(os.tmpdir(), "b9-ledger-"));
  const folder = path.join(storageDir, "request_queues", "instagram");
  await mkdir(folder, { recursive: true });
  const open = () => openUsageFile({ storageDir, name: "instagram" }, (error) => expect.fail(error.message));
  const first = await open();
  first.record(entry("a", 0.5));
  first.record(entry("a", 0.25));
  await first.close();
  const file = path.join(folder, "usage.jsonl");
  expect(
    (await readFile(file, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([entry("a", 0.5), entry("a", 0.25)]);
  await writeFile(file, '{"at":"2026', { flag: "a" });
  const second = await open();
  expect(second.spentUsd).toBe(1.25);
  second.record(entry("a", 0.125));
  await second.close();
  expect((await open()).spentUsd).toBe(1.375);
  await writeFile(file, 'null\n{"provider":"a"}\n{"cost_usd":"much"}\n', { flag: "a" });
  expect((await open()).spentUsd).toBe(2.875);
});
