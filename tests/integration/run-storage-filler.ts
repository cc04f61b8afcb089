/** Commits until the journal cannot grow, then prints how many commits there were, and the error. */
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";
import { commit, post, request } from "../contract/run-storage-samples.ts";

const [storageDir = ""] = process.argv.slice(2);
const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
await storage.addRequests(Array.from({ length: 1000 }, (_, index) => request(`${index}`)));
let handled = 0;
try {
  for (;;) {
    const [claimed] = await storage.claimRequests(1);
    await storage.commitRequests([
      commit(claimed!, { items: [post(claimed!.uniqueKey, { title: "x".repeat(3000) })] }),
    ]);
    handled++;
  }
} catch (error) {
  process.stdout.write(`${handled} ${(error as Error).message}\n`);
}
