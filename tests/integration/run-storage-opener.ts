/**
 * Opens storages on command: `open <folder>` on its standard input answers `won <counts>` or `lost <message>`;
 * `close` answers `closed`.
 */
import { createInterface } from "node:readline";
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";
import type { LocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";

let storage: LocalRunStorage | null = null;
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${line === "close" ? await close() : await open(line.replace("open ", ""))}\n`);
}

async function open(storageDir: string): Promise<string> {
  try {
    storage = await openLocalRunStorage({ storageDir, name: "crawl" });
    return `won ${JSON.stringify(await storage.counts())}`;
  } catch (error) {
    return `lost ${(error as Error).message}`;
  }
}

async function close(): Promise<string> {
  await storage?.close();
  storage = null;
  return "closed";
}
