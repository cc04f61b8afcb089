import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageLedger, type UsageEntry } from "../usage-ledger.ts";
import { queueFolder } from "./folders.ts";
import { ignoreMissing, toStorageError } from "./storage-failure.ts";

/** The ledger of a local crawl: `usage.jsonl` beside its journal, a line a call. A resumed crawl goes on with it. */
export async function openUsageFile(
  { storageDir, name }: { storageDir: string; name: string },
  onError: (error: Error) => void,
): Promise<UsageLedger> {
  const file = join(queueFolder(storageDir, name), "usage.jsonl");
  const text = await readFile(file, "utf8")
    .catch(ignoreMissing)
    .catch((cause: unknown) => {
      throw toStorageError(`cannot read ${file}`, cause);
    });
  // A process that was killed may have left half a line.
  const lines = (text ?? "").split("\n").slice(0, -1);
  const spentUsd = lines.reduce((sum, line) => sum + costOf(line), 0);
  return new UsageLedger({
    spentUsd,
    onError,
    async write(entries) {
      await appendFile(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    },
  });
}

/** 0 for the line that a killed process left unfinished before others went on. */
function costOf(line: string): number {
  try {
    return (JSON.parse(line) as UsageEntry).cost_usd;
  } catch (error) {
    if (error instanceof SyntaxError) return 0;
    throw error;
  }
}
