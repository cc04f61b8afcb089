import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { InvalidInputError } from "../errors.ts";
import type { Job } from "../maintenance/jobs.ts";
import { readRun } from "../runs/read-runs.ts";
import { runMessage } from "./message.ts";
import { postJson } from "./post.ts";
import { isPublicAddress } from "./public-address.ts";
import { sign } from "./sign.ts";

export interface DeliveryServices {
  database: Database;
  config: Pick<Config, "alertWebhookUrl" | "alertWebhookSecret" | "alertWebhookAllowPrivate">;
  /** Gives up what is being sent; it is sent again later. */
  signal: AbortSignal;
}

/** Messages that are sent at once. */
const BATCH = 10;
const TIMEOUT_MS = 30_000;
/** Longer than a message takes: then whoever has it is dead. */
const LEASE_SECS = 90;
const MAX_RETRIES = 11;

interface Dispatch {
  id: string;
  webhook_id: string | null;
  event_type: string;
  run_id: string | null;
  body: unknown;
  attempts: number;
  created_at: Date;
}

/** @throws {InvalidInputError} when there is a receiver of alerts, and no secret to sign with */
export function deliveryJob(services: DeliveryServices): Job {
  const { alertWebhookUrl, alertWebhookSecret } = services.config;
  if (alertWebhookUrl !== undefined && alertWebhookSecret === undefined)
    throw new InvalidInputError(
      "ALERT_WEBHOOK_SECRET: expected at least 16 characters beside ALERT_WEBHOOK_URL, got none",
    );
  return {
    name: "deliver_webhooks",
    everySecs: 2,
    leaseSecs: LEASE_SECS,
    async run() {
      await deliverDue(services);
      return null;
    },
  };
}

/**
 * Sends up to ten messages whose time has come, and writes down what became of them. Any number of processes may do so.
 * A receiver gets a message at least once: it may come again after an answer that got lost.
 * @returns how many were sent, delivered or not
 */
export async function deliverDue(services: DeliveryServices): Promise<number> {
  const { pool } = services.database;
  const { rows } = await pool.query<Dispatch>("select * from claim_dispatches($1, $2)", [BATCH, LEASE_SECS]);
  await Promise.all(rows.map((dispatch) => deliver(services, dispatch)));
  return rows.length;
}

/** Seconds until the next try after try `attempt` has failed: from a minute on twice as long each time; `null`: none. */
export function retrySecs(attempt: number): number | null {
  return attempt <= MAX_RETRIES ? 60 * 2 ** (attempt - 1) : null;
}

async function deliver(services: DeliveryServices, dispatch: Dispatch): Promise<void> {
  const startedAt = new Date();
  const answer = await send(services, dispatch, startedAt).then(
    (status) => ({ status, error: status >= 200 && status < 300 ? null : `HTTP ${status}` }),
    (error: Error) => ({ status: null, error: error.message }),
  );
  await services.database.pool.query("select settle_dispatch($1, $2, $3, $4, $5)", [
    dispatch.id,
    dispatch.attempts,
    JSON.stringify({ started_at: startedAt, finished_at: new Date(), ...answer }),
    answer.error === null,
    retrySecs(dispatch.attempts),
  ]);
}

/** @returns the answer's status */
async function send(services: DeliveryServices, dispatch: Dispatch, now: Date): Promise<number> {
  const { config, signal } = services;
  const url = await readReceiver(services, dispatch);
  const body = JSON.stringify(await toMessage(services, dispatch));
  return postJson(url, body, {
    headers: {
      "user-agent": "b9-actors",
      "x-b9-event": dispatch.event_type,
      "x-b9-delivery": dispatch.id,
      ...(config.alertWebhookSecret && { "x-b9-signature": sign(body, config.alertWebhookSecret, now) }),
    },
    isAllowed: config.alertWebhookAllowPrivate ? () => true : isPublicAddress,
    timeoutMs: TIMEOUT_MS,
    signal,
  });
}

async function readReceiver(
  { database, config }: DeliveryServices,
  { webhook_id }: Dispatch,
): Promise<string> {
  if (webhook_id === null) {
    if (config.alertWebhookUrl === undefined) throw new Error("ALERT_WEBHOOK_URL is not set");
    return config.alertWebhookUrl;
  }
  const { request_url } = await database.kysely
    .selectFrom("webhooks")
    .select("request_url")
    .where("id", "=", webhook_id)
    .executeTakeFirstOrThrow(() => new Error("the webhook was removed"));
  return request_url;
}

async function toMessage({ database }: DeliveryServices, dispatch: Dispatch): Promise<unknown> {
  if (dispatch.run_id === null) return dispatch.body;
  const run = await readRun(database.kysely, dispatch.run_id);
  return runMessage(dispatch.event_type, dispatch.created_at, dispatch.run_id, run);
}
