import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createToken } from "../../shared/db/api-tokens.ts";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

const LIMITS = {
  TOKEN_MAX_MEMORY_MBYTES: "2000",
  TOKEN_MAX_QUEUED_RUNS: "3",
  TOKEN_MAX_PRIORITY: "5",
  TOKEN_MAX_STORED_MBYTES: "1",
};

let cluster: TestCluster;
let database: Database;
let server: TestServer;
let token: string;
let tokens = 0;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
  server = await startTestServer(database, LIMITS);
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});
beforeEach(async () => {
  await database.pool.query("update runs set status = 'ABORTED' where finished_at is null");
  token = await createToken(database.pool, `run-${++tokens}`, "run");
});

interface Answer {
  status: number;
  /** Id of the run, or of the error. */
  said: string | undefined;
}

async function send(path: string, body: unknown = {}, { as = token, method = "POST" } = {}): Promise<Answer> {
  const headers = { ...(as && { authorization: `Bearer ${as}` }), "content-type": "application/json" };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await server.request(path, {
    method,
    headers,
    ...(method !== "DELETE" && { body: text }),
  });
  const answer = (await response.json().catch(() => ({}))) as {
    data?: { id: string };
    run?: { id: string };
    error?: { type?: string; code?: string };
  };
  const { data, run, error } = answer;
  return { status: response.status, said: error?.type ?? error?.code ?? data?.id ?? run?.id };
}

const INPUT = { usernames: ["someone"] };
const launch = (query = "", as = token) => send(`/v2/acts/instagram/runs?${query}`, INPUT, { as });

it("a run token may not give a run more memory or a higher priority than the settings say; an admin may", async () => {
  expect(await launch("memory=4096")).toEqual({ status: 402, said: "actor-memory-limit-exceeded" });
  expect(await launch("priority=6")).toEqual({ status: 403, said: "insufficient-permissions" });
  expect(await launch("memory=2000&priority=5")).toMatchObject({ status: 201 });
  expect(await launch("memory=65536&priority=1000", "")).toMatchObject({ status: 201 });
});

it("stores who has launched a run", async () => {
  const { said } = await launch();
  const { rows } = await database.pool.query(
    "select t.name from runs r join api_tokens t on t.id = r.launched_by where r.id = $1",
    [said],
  );
  expect(rows).toEqual([{ name: `run-${tokens}` }]);
});

it("lets so many runs of a token wait, whatever way they are launched, also at the same time", async () => {
  const over = await launch();
  await server.runs.abort(over.said!, { gracefully: true });
  const ways = () => [
    launch(),
    send("/api/instagram/scrape", INPUT),
    send("/api/instagram/creators", { username: "someone" }),
    send(`/v2/actor-runs/${over.said}/resurrect`),
  ];
  const answers = await Promise.all([...ways(), ...ways()]);
  expect(answers.filter(({ status }) => status < 300)).toHaveLength(3);
  for (const way of ways())
    expect(await way).toEqual({
      status: 402,
      said: expect.stringMatching(/^(concurrent-runs-limit-exceeded|CONCURRENT_RUNS_LIMIT_EXCEEDED)$/),
    });
  expect(await launch("", await createToken(database.pool, `other-${tokens}`, "run"))).toMatchObject({
    status: 201,
  });
  expect(await launch("", "")).toMatchObject({ status: 201 });
});

it("counts the memory of a token's runs that are under way", async () => {
  const { said } = await launch("memory=1500");
  await database.pool.query("select lease_run($1, 'w1', 600)", [said]);
  expect(await launch("memory=501")).toEqual({ status: 402, said: "actor-memory-limit-exceeded" });
  expect(await launch("memory=500")).toMatchObject({ status: 201 });
});

it("whoever resurrects a run has launched it, with the memory that it gets", async () => {
  const { said: id } = await launch("memory=65536", "");
  await server.runs.abort(id!, { gracefully: true });
  const resurrect = (query: string) => send(`/v2/actor-runs/${id}/resurrect?${query}`);
  expect(await resurrect("")).toEqual({ status: 402, said: "actor-memory-limit-exceeded" });
  expect(await resurrect("memory=1024")).toMatchObject({ status: 200 });
  const { rows } = await database.pool.query("select launched_by is not null as is from runs where id = $1", [
    id,
  ]);
  expect(rows).toEqual([{ is: true }]);
});

it("counts bytes of inputs, records and items, and nothing that was not stored", async () => {
  const { said: id } = await launch("", "");
  const record = (bytes: number) =>
    send(`/v2/key-value-stores/${id}/records/page`, "x".repeat(bytes), { method: "PUT" });
  const push = (item: object) => send(`/v2/datasets/${id}-failed_requests/items`, item);
  expect(await record(500_000)).toMatchObject({ status: 201 });
  expect(await push({ request_id: "a", text: "x".repeat(400_000) })).toMatchObject({ status: 201 });
  expect(await record(500_000)).toEqual({ status: 402, said: "storage-limit-exceeded" });
  expect(await push({ request_id: "b", text: "x".repeat(200_000) })).toEqual({
    status: 402,
    said: "storage-limit-exceeded",
  });
  for (let n = 0; n < 5; n++)
    expect(await push({ text: "x".repeat(100_000) })).toMatchObject({ status: 400 });
  expect(await record(100_000)).toMatchObject({ status: 201 });
  const input = { usernames: Array.from({ length: 3_000 }, (_, n) => `someone.with.a.name.${n}`) };
  expect(await send("/v2/acts/instagram/runs", input)).toEqual({
    status: 402,
    said: "storage-limit-exceeded",
  });
  const { rows } = await database.pool.query("select count(*) as n from runs where finished_at is null");
  expect(rows).toEqual([{ n: 1 }]);
  await database.pool.query("update token_bytes set day = day - 8");
  expect(await record(900_000)).toMatchObject({ status: 201 });
});

it("a run token does not write what actors know of one another's runs, nor what tables are made of", async () => {
  const path = "/v2/key-value-stores/instagram/records/known-creator-1";
  const known = { username: "x", newest_taken_at: "2099-01-01T00:00:00.000Z" };
  expect(await send(path, known, { method: "PUT", as: "" })).toMatchObject({ status: 201 });
  for (const method of ["PUT", "POST", "DELETE"])
    expect(await send(path, known, { method })).toEqual({ status: 403, said: "insufficient-permissions" });
  expect(await (await server.request(path)).json()).toEqual(known);

  const { said: id } = await launch("", "");
  const creator = { ig_user_id: "1", username: "x", followers_count: 1e9 };
  for (const dataset of [`${id}-instagram_creators`, id])
    expect(await send(`/v2/datasets/${dataset}/items`, creator)).toEqual({
      status: 403,
      said: "insufficient-permissions",
    });
  for (const run of [`/v2/actor-runs/${id}`, "/v2/acts/instagram/runs/last"])
    expect(await send(`${run}/dataset/items`, creator)).toMatchObject({ status: 403 });
  expect(
    await send(`/v2/actor-runs/${id}/key-value-store/records/note`, known, { method: "PUT" }),
  ).toMatchObject({ status: 201 });
  const { rows } = await database.pool.query("select count(*) as n from instagram_creators");
  expect(rows).toEqual([{ n: 0 }]);
});
