import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageLedger, type UsageEntry } from "../usage-ledger.ts";
import { queueFolder } from "./folders.ts";
import { ignoreMissing, toStorageError } from "./storage-failure.ts";

/**
 * The ledger of a local crawl: `usage.jsonl` beside its journal, a line a call. A resumed crawl goes on with it. A line
 * that cannot be read, such as the half that a killed process leaves, is a call all the same: as dear as the dearest.
 */
export async function openUsageFile(
  { storageDir, name }: { storageDir: string; name: string },
  onError: (error: Error) => void,
): Promise<UsageLedger> {
  const file = join(queueFolder(storageDir, name), "usage.jsonl");
  const text =
    (await readFile(file, "utf8")
      .catch(ignoreMissing)
      .catch((cause: unknown) => {
        throw toStorageError(`cannot read ${file}`, cause);
      })) ?? "";
  let isTorn = !/^$|\n$/.test(text);
  return new UsageLedger({
    spentUsd: sumCosts(text.split("\n").filter(Boolean)),
    onError,
    async write(entries) {
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
      // Behind half a line they would be unreadable too.
      const start = isTorn ? "\n" : "";
      isTorn = true;
      await appendFile(file, start + lines);
      isTorn = false;
    },
  });
}

function sumCosts(lines: readonly string[]): number {
  const costs = lines.map(costOf);
  const dearest = costs.reduce<number>((most, cost) => Math.max(most, cost ?? 0), 0);
  return costs.reduce<number>((sum, cost) => sum + (cost ?? dearest), 0);
}

/** `null`: it cannot be read. */
function costOf(line: string): number | null {
  try {
    const { cost_usd } = JSON.parse(line) as Partial<UsageEntry>;
    return typeof cost_usd === "number" ? cost_usd : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}
