import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { pagesActor, startServer, testConfig } from "./test-site.ts";

let cluster: TestCluster;
let databaseUrl: string;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  const config = await cluster.createMigratedConfig();
  databaseUrl = config.databaseUrl!;
  database = await openDatabase(config, { applicationName: "tests" });
});
afterAll(async () => {
  await database.close();
  await cluster.stop();
});

async function crawl(): Promise<number> {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await testConfig({ DATABASE_URL: databaseUrl });
  const log = pino({ level: "silent" });
  const { exitCode } = await runActor(pagesActor(origin), {
    config,
    log,
    input: { pages: 2 },
    database: {},
  });
  return exitCode;
}

async function addExpiredRun(id: string): Promise<void> {
  await database.pool.query(
    `insert into runs (id, actor, status, finished_at)
    values ('${id}', 'pages', 'SUCCEEDED', now() - interval '8 days');
    select add_requests((select number from runs where id = '${id}'),
      '[{"url":"http://127.0.0.1/","uniqueKey":"old","label":"PAGE"}]')`,
  );
}

async function expiredRequests(): Promise<number> {
  const { rows } = await database.pool.query(
    "select count(*) as n from requests where unique_key = 'old' and url = 'http://127.0.0.1/'",
  );
  return rows[0].n;
}

it("a crawl removes what has expired, once a day", async () => {
  await addExpiredRun("old1");
  expect(await crawl()).toBe(0);
  expect(await expiredRequests()).toBe(0);

  await addExpiredRun("old2");
  expect(await crawl()).toBe(0);
  expect(await expiredRequests()).toBe(1);

  await database.pool.query("update maintenance_jobs set started_at = now() - interval '25 hours'");
  expect(await crawl()).toBe(0);
  expect(await expiredRequests()).toBe(0);
});

it("a crawl whose database cannot remove anything goes well", async () => {
  await database.pool.query("update maintenance_jobs set started_at = now() - interval '25 hours'");
  await addExpiredRun("old3");
  await database.pool.query(
    "create or replace function drop_expired(retention_days integer) returns void language plpgsql as $$ begin raise 'not today'; end $$",
  );
  expect(await crawl()).toBe(0);
  expect(await expiredRequests()).toBe(1);
  const { rows } = await database.pool.query("select name, last_error from maintenance_jobs");
  expect(rows).toEqual([{ name: "storage_retention", last_error: "not today" }]);
});
