import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { DATASETS } from "../../shared/datasets.ts";
import { openDatabase } from "../../shared/db/database.ts";
import { generateTypes } from "../../shared/db/generate-types.ts";
import { migrate, readMigrations } from "../../shared/db/migrate.ts";
import { withRetry } from "../../shared/db/retry.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

describe("a database", () => {
  it("reads counts and sums as numbers, days as text and times as dates", async () => {
    const { pool } = await cluster.createDatabase();
    const { rows } = await pool.query(
      "select count(*) as count, 0.25::numeric as cost, date '2026-02-03' as day, timestamptz 'epoch' as at",
    );
    expect(rows).toEqual([{ count: 1, cost: 0.25, day: "2026-02-03", at: new Date(0) }]);
  });

  it("ends a statement that takes too long, and goes on", async () => {
    const { pool } = await cluster.createDatabase({ statementTimeoutSecs: 1 });
    await expect(pool.query("select pg_sleep(10)")).rejects.toThrow(/statement timeout/);
    await expect(pool.query("select 1")).resolves.toBeDefined();
  });

  it("goes on when all its connections are cut, idle or not", async () => {
    const { pool } = await cluster.createDatabase();
    await pool.query("select 1");
    const busy = withRetry(() => pool.query("select pg_sleep(0.3)"));
    const { pool: other } = await cluster.createDatabase();
    await other.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = 'tests'",
    );
    await expect(busy).resolves.toBeDefined();
    await expect(withRetry(() => pool.query("select 1"))).resolves.toBeDefined();
  });

  it("uses no named statements and no session settings behind a transaction pooler", async () => {
    const config = await cluster.createMigratedConfig();
    const database = await openDatabase(
      { ...config, databaseUrl: `${config.databaseUrl}&pgbouncer=true`, statementTimeoutSecs: 7 },
      { applicationName: "pooled" },
    );
    await database.kysely.selectFrom("runs").selectAll().where("id", "=", "x").execute();
    const { rows } = await database.pool.query(
      "select current_setting('statement_timeout') as timeout, (select count(*) from pg_prepared_statements) as named",
    );
    expect(rows).toEqual([{ timeout: "0", named: 0 }]);
    await database.close();
  });

  it("says at once what to do where a pooler refuses the settings of a session", async () => {
    const config = await cluster.createMigratedConfig();
    const reason = "SFATAL\0C08P01\0Munsupported startup parameter: statement_timeout\0\0";
    const head = Buffer.from("E\0\0\0\0");
    head.writeInt32BE(reason.length + 4, 1);
    const pooler = net.createServer((socket) => socket.once("data", () => socket.end(head + reason)));
    onTestFinished(() => void pooler.close());
    await once(pooler.listen(0, "127.0.0.1"), "listening");
    const { port } = pooler.address() as AddressInfo;
    const opening = openDatabase(
      { ...config, databaseUrl: `postgres://postgres@127.0.0.1:${port}/x` },
      { applicationName: "tests" },
    );
    await expect(opening).rejects.toThrow(/this is a pooler: add \?pgbouncer=true to DATABASE_URL/);
  });

  it("refuses a server that is not there, by name", async () => {
    const config = await cluster.createMigratedConfig();
    const missing = config.databaseUrl!.replace(/test_\w+/, "no_such_database");
    await expect(openDatabase({ ...config, databaseUrl: missing }, { applicationName: "x" })).rejects.toThrow(
      /no_such_database/,
    );
  });
});

describe("migrations", () => {
  it("are applied once each when many start at once", async () => {
    const config = await cluster.createEmptyConfig();
    const databases = await Promise.all(
      Array.from({ length: 4 }, () => openDatabase(config, { applicationName: "migrator" })),
    );
    const applied = await Promise.all(databases.map(({ pool }) => migrate(pool)));
    const names = (await readMigrations()).map(({ name }) => name);
    expect(applied.flat().sort()).toEqual(names);
    expect(await migrate(databases[0]!.pool)).toEqual([]);
    await Promise.all(databases.map((database) => database.close()));
  });

  it("leave nothing of a file that fails, and go on with it when it is mended", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "b9-migrations-"));
    const { pool } = await cluster.createDatabase();
    await pool.query("drop table migrations");
    writeFileSync(path.join(folder, "000001_one.sql"), "create table one (n integer);");
    writeFileSync(path.join(folder, "000002_two.sql"), "create table two (n integer); select nonsense;");
    await expect(migrate(pool, folder)).rejects.toThrow(/migration 000002_two\.sql: .*nonsense/);
    expect((await pool.query("select to_regclass('one') as one, to_regclass('two') as two")).rows).toEqual([
      { one: "one", two: null },
    ]);
    writeFileSync(path.join(folder, "000002_two.sql"), "create table two (n integer);");
    expect(await migrate(pool, folder)).toEqual(["000002_two.sql"]);
  });

  it("refuse a file that has changed since it was applied, and a database that is newer", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "b9-migrations-"));
    const { pool } = await cluster.createDatabase();
    await expect(migrate(pool, folder)).rejects.toThrow(
      /has migration 000001_runs\.sql, this program knows 0/,
    );
    for (const { name, sql } of await readMigrations()) writeFileSync(path.join(folder, name), sql);
    writeFileSync(path.join(folder, "000001_runs.sql"), "-- other");
    await expect(migrate(pool, folder)).rejects.toThrow(/000001_runs\.sql is not the one that was applied/);
  });

  it("refuse a gap in their numbers", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "b9-migrations-"));
    writeFileSync(path.join(folder, "000002_two.sql"), "");
    await expect(readMigrations(folder)).rejects.toThrow(/000002_two\.sql: expected number 000001/);
  });

  it("take records of any bytes under keys of up to 256 signs, and no others", async () => {
    const { pool } = await cluster.createDatabase();
    const put = (key: string) =>
      pool.query(
        "insert into key_value_records (store, key, content_type, value) values ('r', $1, 'x/y', $2)",
        [key, Buffer.from([0, 255, 10])],
      );
    await put("k".repeat(256));
    await put("INPUT-1_.'()!");
    for (const key of ["", "k".repeat(257), "a/b", "ü"]) await expect(put(key)).rejects.toThrow(/key_check/);
    const { rows } = await pool.query("select value from key_value_records");
    expect(rows.map(({ value }) => [...value])).toEqual([
      [0, 255, 10],
      [0, 255, 10],
    ]);
  });

  it("shut every table to who is not its owner", async () => {
    const { pool } = await cluster.createDatabase();
    await pool.query("select open_run('r', 'reddit'); select open_dataset(1, 'reddit_posts')");
    const { rows } = await pool.query(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity",
    );
    expect(rows).toEqual([]);
  });

  it("register every dataset of an actor, with its merge rule", async () => {
    const { kysely } = await cluster.createDatabase();
    const kinds = await kysely.selectFrom("dataset_kinds").select(["dataset", "merge"]).execute();
    expect(Object.fromEntries(kinds.map(({ dataset, merge }) => [dataset, merge]))).toEqual(
      Object.fromEntries(Object.entries(DATASETS).map(([name, { merge }]) => [name, merge])),
    );
  });

  it("are what the committed types were generated from (node shared/db/generate-types.ts <url>)", async () => {
    const { databaseUrl } = await cluster.createMigratedConfig();
    const folder = mkdtempSync(path.join(os.tmpdir(), "b9-types-"));
    await generateTypes(databaseUrl!, folder);
    for (const file of ["tables.ts", "table-columns.ts"]) {
      const committed = path.resolve(import.meta.dirname, "../../shared/db", file);
      expect(readFileSync(committed, "utf8")).toBe(readFileSync(path.join(folder, file), "utf8"));
    }
  });
});

it("goes on after the server was killed, with everything that was committed", async () => {
  const { pool } = await cluster.createDatabase();
  await pool.query("select open_run('before', 'reddit')");
  await cluster.kill();
  await withRetry(() => pool.query("select open_run('after', 'reddit')"));
  const { rows } = await withRetry(() => pool.query("select id from runs order by number"));
  expect(rows).toEqual([{ id: "before" }, { id: "after" }]);
});
