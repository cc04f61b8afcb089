/** Opens a storage and prints what that took. Processor time, because the machine may have other things to do. */
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";

const [storageDir = ""] = process.argv.slice(2);
const before = process.cpuUsage();
const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
const { user, system } = process.cpuUsage(before);
const result = {
  counts: await storage.counts(),
  items: await storage.itemCounts(),
  cpuSecs: (user + system) / 1e6,
  maxRssMbytes: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await storage.close();
