import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { deliverDue, deliveryJob, retrySecs } from "../../shared/webhooks/deliver.ts";
import { postJson } from "../../shared/webhooks/post.ts";
import { sign } from "../../shared/webhooks/sign.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

interface Receiver {
  url: string;
  messages: { path: string; headers: http.IncomingHttpHeaders; body: string }[];
  /** How it answers; @default 200 */
  answer: (path: string, response: http.ServerResponse) => void;
  close(): void;
}

async function startReceiver(host = "127.0.0.1"): Promise<Receiver> {
  const receiver: Receiver = {
    url: "",
    messages: [],
    answer: (_, response) => void response.end("ok"),
    close: () => void server.close(),
  };
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      receiver.messages.push({ path: request.url!, headers: request.headers, body });
      receiver.answer(request.url!, response);
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  receiver.url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return receiver;
}

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

describe("postJson", () => {
  const open = { headers: {}, isAllowed: () => true, timeoutMs: 5_000 };

  it("asks about the address that a name stands for, and connects to no other", async () => {
    const { port } = new URL(receiver.url);
    const asked: string[] = [];
    const isAllowed = (address: string) => asked.push(address) === 0;
    const refused = postJson(`http://localhost:${port}/`, "{}", { ...open, isAllowed });
    await expect(refused).rejects.toThrow(/is no public address/);
    expect(asked.length).toBeGreaterThan(0);
    expect(receiver.messages).toEqual([]);
  });

  it.each([
    "http://127.0.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f.1:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
  ])("asks about the address %s", async (url) => {
    const { port } = new URL(receiver.url);
    const refused = postJson(url.replace("PORT", port), "{}", { ...open, isAllowed: () => false });
    await expect(refused).rejects.toThrow(/is no public address/);
    expect(receiver.messages).toEqual([]);
  });

  it("asks again where a redirect leads", async () => {
    const inside = await startReceiver("127.0.0.2");
    receiver.answer = (_, response) => void response.writeHead(307, { location: `${inside.url}/x` }).end();
    const isAllowed = (address: string) => address === "127.0.0.1";
    await expect(postJson(receiver.url, "{}", { ...open, isAllowed })).rejects.toThrow(
      /127\.0\.0\.2 is no public/,
    );
    expect(inside.messages).toEqual([]);
    inside.close();
  });

  it("takes the body along a 308, and takes a 302 for the answer", async () => {
    receiver.answer = (path, response) => {
      const status = path === "/308" ? 308 : path === "/302" ? 302 : 204;
      response.writeHead(status, { location: "/there" }).end();
    };
    expect(await postJson(`${receiver.url}/308`, '{"a":1}', open)).toBe(204);
    expect(receiver.messages.map(({ path, body }) => path + body)).toEqual(['/308{"a":1}', '/there{"a":1}']);
    expect(await postJson(`${receiver.url}/302`, "{}", open)).toBe(302);
  });

  it("gives up a circle of redirects, and redirects to something else than HTTP", async () => {
    receiver.answer = (path, response) =>
      void response.writeHead(307, { location: path === "/file" ? "file:///etc/passwd" : "/" }).end();
    await expect(postJson(receiver.url, "{}", open)).rejects.toThrow(/more than 3 redirects/);
    await expect(postJson(`${receiver.url}/file`, "{}", open)).rejects.toThrow(/expected an http/);
  });

  it("waits no longer than it should, also for the end of an answer", async () => {
    receiver.answer = () => undefined;
    const quick = { ...open, timeoutMs: 200 };
    await expect(postJson(receiver.url, "{}", quick)).rejects.toThrow("no answer within 0.2 s");
    receiver.answer = (_, response) => void response.write("for ever");
    await expect(postJson(receiver.url, "{}", quick)).rejects.toThrow("no answer within 0.2 s");
  });

  it("reads no more of an answer than it must", async () => {
    receiver.answer = (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    };
    expect(await postJson(receiver.url, "{}", open)).toBe(200);
  });
});

describe("messages", () => {
  const secret = "a secret of many letters";
  let cluster: TestCluster;
  let database: Database;
  beforeAll(async () => {
    cluster = await startCluster();
    database = await cluster.createDatabase();
  });
  afterAll(() => cluster.stop());
  afterEach(() => query("truncate runs, webhooks, webhook_dispatches cascade"));

  const query = async (sql: string, values?: unknown[]) => (await database.pool.query(sql, values)).rows;
  const services = (allowPrivate = true) => ({
    database,
    config: {
      alertWebhookUrl: `${receiver.url}/alerts`,
      alertWebhookSecret: secret,
      alertWebhookAllowPrivate: allowPrivate,
    },
    signal: new AbortController().signal,
  });
  const addAlert = () =>
    query(
      'insert into webhook_dispatches (event_type, body) values (\'ALERT.OPENED\', \'{"alert": {"rule": "disk"}}\')',
    );
  const readDispatches = () => query("select status, attempts, calls from webhook_dispatches");

  it("are signed with the time, and sent once when they are taken", async () => {
    await addAlert();
    expect(await deliverDue(services())).toBe(1);
    expect(await deliverDue(services())).toBe(0);
    const [message, ...others] = receiver.messages;
    expect(others).toEqual([]);
    expect(message).toMatchObject({
      path: "/alerts",
      body: '{"alert": {"rule": "disk"}}'.replaceAll(": ", ":"),
    });
    const signature = message!.headers["x-b9-signature"] as string;
    const time = Number(/^t=(\d+)/.exec(signature)![1]);
    expect(signature).toBe(sign(message!.body, secret, new Date(time * 1000)));
    expect(Math.abs(Date.now() / 1000 - time)).toBeLessThan(60);
    expect(await readDispatches()).toEqual([
      { status: "SUCCEEDED", attempts: 1, calls: [expect.objectContaining({ status: 200, error: null })] },
    ]);
  });

  it("are tried again a minute later, then after twice as long each time, eleven times", async () => {
    expect([1, 2, 3, 11, 12].map(retrySecs)).toEqual([60, 120, 240, 61_440, null]);
    receiver.answer = (_, response) => void response.writeHead(503).end();
    await addAlert();
    await deliverDue(services());
    const [{ wait }] = (await query(
      "select extract(epoch from next_attempt_at - now())::float as wait from webhook_dispatches",
    )) as [{ wait: number }];
    expect(wait).toBeGreaterThan(50);
    expect(wait).toBeLessThanOrEqual(60);
    for (let attempt = 2; attempt <= 12; attempt++) {
      await query("update webhook_dispatches set next_attempt_at = now()");
      await deliverDue(services());
    }
    const [dispatch] = (await readDispatches()) as [
      { status: string; attempts: number; calls: { error: string }[] },
    ];
    expect(dispatch).toMatchObject({ status: "FAILED", attempts: 12 });
    expect(dispatch.calls.map(({ error }) => error)).toEqual(Array(12).fill("HTTP 503"));
    await query("update webhook_dispatches set next_attempt_at = now()");
    expect(await deliverDue(services())).toBe(0);
    expect(receiver.messages).toHaveLength(12);
  });

  it("go to private addresses only when that is allowed, and say why not", async () => {
    await addAlert();
    await deliverDue(services(false));
    expect(receiver.messages).toEqual([]);
    expect(await readDispatches()).toEqual([
      {
        status: "ACTIVE",
        attempts: 1,
        calls: [
          expect.objectContaining({
            error: expect.stringMatching(/127\.0\.0\.1 .*ALERT_WEBHOOK_ALLOW_PRIVATE/),
          }),
        ],
      },
    ]);
  });

  it("are sent once, however many deliver, and again when whoever had them is dead", async () => {
    await addAlert();
    await Promise.all([deliverDue(services()), deliverDue(services())]);
    expect(receiver.messages).toHaveLength(1);
    await addAlert();
    const [{ id }] = (await query("select id from claim_dispatches(10, 0.2)")) as [{ id: string }];
    expect(await deliverDue(services())).toBe(0);
    await query("select pg_sleep(0.3)");
    expect(await deliverDue(services())).toBe(1);
    // What the dead one would still say changes nothing.
    await query("select settle_dispatch($1, 1, '{}', false, null)", [id]);
    expect(await query("select status from webhook_dispatches where id = $1", [id])).toEqual([
      { status: "SUCCEEDED" },
    ]);
  });

  it("tell of the runs that a webhook is about", async () => {
    await query(
      `insert into webhooks (id, event_types, actor, request_url) values
      ('w1', '{ACTOR.RUN.CREATED,ACTOR.RUN.FAILED,ACTOR.RUN.TIMED_OUT,ACTOR.RUN.RESURRECTED}', 'reddit', $1),
      ('w2', '{ACTOR.RUN.CREATED}', 'instagram', $1)`,
      [`${receiver.url}/runs`],
    );
    await query(
      "insert into webhooks (id, event_types, run_id, request_url) values ('w3', '{ACTOR.RUN.FAILED}', 'other', $1)",
      [receiver.url],
    );
    await query("insert into runs (id, actor) values ('r1', 'reddit')");
    const setStatus = (status: string) => query("update runs set status = $1", [status]);
    for (const status of ["RUNNING", "TIMING-OUT", "TIMED-OUT", "READY", "RUNNING", "SUCCEEDED"])
      await setStatus(status);
    await deliverDue(services());
    const told = receiver.messages.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(told.map(({ eventType }) => eventType).sort()).toEqual([
      "ACTOR.RUN.CREATED",
      "ACTOR.RUN.RESURRECTED",
      "ACTOR.RUN.TIMED_OUT",
    ]);
    expect(told[0]).toMatchObject({
      eventData: { actorId: "reddit", actorRunId: "r1" },
      resource: { id: "r1", status: "SUCCEEDED" },
    });
  });

  it("of alerts need a secret", () => {
    const { config, ...rest } = services();
    const unsigned = { ...rest, config: { ...config, alertWebhookSecret: undefined } };
    expect(() => deliveryJob(unsigned)).toThrow(/ALERT_WEBHOOK_SECRET/);
  });
});
