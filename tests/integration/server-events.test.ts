import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventHub } from "../../server/event-hub.ts";
import type { Database } from "../../shared/db/database.ts";
import { createLogger } from "../../shared/log.ts";
import type { Runs } from "../../shared/runs/runs.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

let cluster: TestCluster;
let database: Database;
let server: TestServer;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase({ maxConnections: 10 });
  server = await startTestServer(database);
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

interface SentEvent {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

interface Stream {
  events: SentEvent[];
  /** The id that a client would resume with. */
  lastId: string;
  /** Whether the server has ended it. */
  hasEnded: boolean;
  stop(): void;
}

async function listen(query: string, headers: Record<string, string> = {}): Promise<Stream> {
  const controller = new AbortController();
  const response = await server.request(`/api/events?${query}`, { headers, signal: controller.signal });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const stream: Stream = { events: [], lastId: "", hasEnded: false, stop: () => controller.abort() };
  void read(response, stream).catch(() => undefined);
  // The first bytes are there once the server has begun to follow.
  return stream;
}

async function read(response: Response, stream: Stream): Promise<void> {
  let rest = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      if (fields["id"]) stream.lastId = fields["id"];
      if (fields["data"])
        stream.events.push({
          id: fields["id"] ?? "",
          event: fields["event"]!,
          data: JSON.parse(fields["data"]),
        });
    }
  }
  stream.hasEnded = true;
}

const launch = () => server.runs.launch({ actor: "reddit", input: { subreddits: ["node"] }, origin: "API" });
const statuses = ({ events }: Stream, id: string) =>
  events.filter(({ data }) => data["id"] === id).map(({ data }) => data["status"]);

describe("events of runs", () => {
  it("show a run's life", async () => {
    const stream = await listen("");
    const run = await launch();
    await expect.poll(() => statuses(stream, run.id)).toEqual(["READY"]);
    await server.runs.abort(run.id, { gracefully: false });
    await expect.poll(() => statuses(stream, run.id)).toEqual(["READY", "ABORTED"]);
    stream.stop();
  });

  it("of one run are of no other", async () => {
    const [mine, other] = [await launch(), await launch()];
    const stream = await listen(`topics=run:${mine.id}`);
    await server.runs.abort(other.id, { gracefully: false });
    await server.runs.abort(mine.id, { gracefully: false });
    await expect.poll(() => statuses(stream, mine.id).at(-1)).toBe("ABORTED");
    expect(statuses(stream, other.id)).toEqual([]);
    stream.stop();
  });

  it("go on where the connection ended", async () => {
    const first = await listen("topics=runs");
    const run = await launch();
    await expect.poll(() => statuses(first, run.id)).toEqual(["READY"]);
    first.stop();
    await server.runs.abort(run.id, { gracefully: false });
    // Longer than what is looked at again anyway.
    await sleep(2_500);
    const again = await listen("topics=runs", { "last-event-id": first.lastId });
    await expect.poll(() => statuses(again, run.id)).toContain("ABORTED");
    again.stop();
  });

  it("are at most four a second, and the last one is the latest", async () => {
    const run = await launch();
    const stream = await listen(`topics=run:${run.id}`);
    const startedAt = Date.now();
    for (let n = 0; n <= 100; n++) {
      await server.runs.update(run.id, { statusMessage: `step ${n}` });
      await sleep(10);
    }
    await expect.poll(() => stream.events.at(-1)?.data["status_message"]).toBe("step 100");
    expect(stream.events.length).toBeLessThanOrEqual(Math.ceil((Date.now() - startedAt) / 250) + 1);
    expect(stream.events.length).toBeGreaterThan(1);
    stream.stop();
  });
});

describe("events of the log", () => {
  const write = (message: string) =>
    database.pool.query("select write_logs($1)", [
      JSON.stringify([{ source: "test", level: "warn", message }]),
    ]);

  it("tell each line once, in the order of writing", async () => {
    await write("before");
    const stream = await listen("topics=logs");
    for (let n = 0; n < 20; n++) {
      await write(`line ${n}`);
      await sleep(40);
    }
    const messages = () => stream.events.map(({ data }) => data["message"]);
    await expect.poll(() => messages().length).toBe(20);
    expect(messages()).toEqual(Array.from({ length: 20 }, (_, n) => `line ${n}`));
    stream.stop();
  });
});

describe("streams", () => {
  it("of a topic that does not exist are refused", async () => {
    const refused = await server.request("/api/events?topics=everything");
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('got \\"everything\\"');
    expect((await server.request("/api/events?last_event_id=x")).status).toBe(400);
  });

  it("end with the server, at once", async () => {
    const other = await startTestServer(database);
    const response = await other.request("/api/events");
    const startedAt = Date.now();
    const [text] = await Promise.all([response.text(), other.close()]);
    expect(text).toContain("retry:");
    expect(Date.now() - startedAt).toBeLessThan(3_000);
  });

  it("ask nothing while nobody listens, and once for all who do", async () => {
    let asked = 0;
    const changedSince: Runs["changedSince"] = (at, limit) => {
      asked++;
      return server.runs.changedSince(at, limit);
    };
    const hub = new EventHub(database.pool, { changedSince }, createLogger({ level: "silent" }));
    const listener = { topics: new Set(["runs"]), push: () => undefined };
    const removes = await Promise.all(Array.from({ length: 50 }, () => hub.add({ ...listener }, null)));
    await sleep(1_100);
    expect(asked).toBeGreaterThanOrEqual(2);
    expect(asked).toBeLessThanOrEqual(5);
    for (const remove of removes) remove();
    await sleep(300);
    asked = 0;
    await sleep(600);
    expect(asked).toBe(0);
  });
});
