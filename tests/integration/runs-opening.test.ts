import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./db-cluster.ts";

const run = promisify(execFile);

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

it("processes that start on a new database at the same time do not collide", async () => {
  const config = JSON.stringify(await cluster.createEmptyConfig());
  const opener = path.join(import.meta.dirname, "runs-opener.ts");
  const started = await Promise.allSettled([1, 2, 3].map(() => run(process.execPath, [opener, config])));
  expect(started.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
});
