import { type RawBuilder, sql } from "kysely";
import { newRunId } from "../crawl/postgres/runs.ts";
import type { Database } from "../db/database.ts";

export const RUN_EVENTS = [
  "ACTOR.RUN.CREATED",
  "ACTOR.RUN.SUCCEEDED",
  "ACTOR.RUN.FAILED",
  "ACTOR.RUN.TIMED_OUT",
  "ACTOR.RUN.ABORTED",
  "ACTOR.RUN.RESURRECTED",
] as const;

export interface WebhookSettings {
  eventTypes: (typeof RUN_EVENTS)[number][];
  /** Of one actor's runs; `null` with `runId` `null`: of all. */
  actor: string | null;
  runId: string | null;
  requestUrl: string;
  description: string;
}

/** A receiver of what happens to runs. */
export interface Webhook extends WebhookSettings {
  id: string;
  createdAt: Date;
  modifiedAt: Date;
  totalDispatches: number;
}

/** A message: on its way, delivered, or given up. */
export interface Dispatch {
  id: string;
  /** `null`: to the receiver of alerts. */
  webhookId: string | null;
  requestUrl: string | null;
  eventType: string;
  runId: string | null;
  actor: string | null;
  status: "ACTIVE" | "SUCCEEDED" | "FAILED";
  createdAt: Date;
  /** One a try, oldest first. */
  calls: { started_at: string; finished_at: string; status: number | null; error: string | null }[];
}

export interface Paging {
  limit: number;
  offset: number;
  desc: boolean;
}

type Db = Pick<Database, "kysely">;

const COLUMNS = sql`
  w.id, w.event_types as "eventTypes", w.actor, w.run_id as "runId", w.request_url as "requestUrl", w.description,
  w.created_at as "createdAt", w.modified_at as "modifiedAt",
  (select count(*) from webhook_dispatches d where d.webhook_id = w.id) as "totalDispatches"`;

/** @param idempotencyKey a webhook that was made with it is the answer, and stays as it is */
export async function createWebhook(
  db: Db,
  settings: WebhookSettings,
  idempotencyKey: string | null,
): Promise<Webhook> {
  const { eventTypes, actor, runId, requestUrl, description } = settings;
  const { rows } = await sql<{ id: string }>`
    insert into webhooks (id, event_types, actor, run_id, request_url, description, idempotency_key)
    values (${newRunId()}, ${eventTypes}, ${actor}, ${runId}, ${requestUrl}, ${description}, ${idempotencyKey})
    on conflict (idempotency_key) do update set idempotency_key = excluded.idempotency_key
    returning id`.execute(db.kysely);
  return (await findWebhook(db, rows[0]!.id))!;
}

export async function findWebhook({ kysely }: Db, id: string): Promise<Webhook | undefined> {
  const { rows } = await sql<Webhook>`select ${COLUMNS} from webhooks w where w.id = ${id}`.execute(kysely);
  return rows[0];
}

/** In the order of their creation. */
export async function listWebhooks(
  { kysely }: Db,
  paging: Paging,
): Promise<{ items: Webhook[]; total: number }> {
  const { rows } = await sql<Webhook>`select ${COLUMNS} from webhooks w ${page("w", paging)}`.execute(kysely);
  const count = await sql<{ total: number }>`select count(*) as total from webhooks`.execute(kysely);
  return { items: rows, total: count.rows[0]!.total };
}

/** Changes what `changes` names. `undefined` when there is no such webhook. */
export async function updateWebhook(
  db: Db,
  id: string,
  changes: Partial<WebhookSettings>,
): Promise<Webhook | undefined> {
  const old = await findWebhook(db, id);
  if (!old) return undefined;
  const { eventTypes, actor, runId, requestUrl, description } = { ...old, ...changes };
  await sql`
    update webhooks set event_types = ${eventTypes}, actor = ${actor}, run_id = ${runId}, request_url = ${requestUrl},
      description = ${description}, modified_at = now()
    where id = ${id}`.execute(db.kysely);
  return findWebhook(db, id);
}

/** With its messages, delivered or not. False when there is no such webhook. */
export async function removeWebhook({ kysely }: Db, id: string): Promise<boolean> {
  const { rows } = await sql`delete from webhooks where id = ${id} returning 1`.execute(kysely);
  return rows.length > 0;
}

/** Sends a message that tells of nothing. `undefined` when there is no such webhook. */
export async function testWebhook(db: Db, id: string): Promise<Dispatch | undefined> {
  const { rows } = await sql<{ id: string }>`
    insert into webhook_dispatches (webhook_id, event_type, body)
    select id, 'TEST', jsonb_build_object('userId', 'me', 'createdAt', now(), 'eventType', 'TEST', 'eventData', null,
      'resource', null)
    from webhooks where id = ${id} returning id`.execute(db.kysely);
  return rows[0] && findDispatch(db, rows[0].id);
}

export async function findDispatch({ kysely }: Db, id: string): Promise<Dispatch | undefined> {
  const { rows } = await selectDispatches(sql`where d.id = ${id}`).execute(kysely);
  return rows[0];
}

/** In the order of their creation. @param webhookId of one webhook alone */
export async function listDispatches(
  { kysely }: Db,
  paging: Paging,
  webhookId?: string,
): Promise<{ items: Dispatch[]; total: number }> {
  const where = webhookId === undefined ? sql`` : sql`where d.webhook_id = ${webhookId}`;
  const { rows } = await selectDispatches(sql`${where} ${page("d", paging)}`).execute(kysely);
  const count = await sql<{ total: number }>`
    select count(*) as total from webhook_dispatches d ${where}`.execute(kysely);
  return { items: rows, total: count.rows[0]!.total };
}

function selectDispatches(rest: RawBuilder<unknown>): RawBuilder<Dispatch> {
  return sql<Dispatch>`
    select d.id, d.webhook_id as "webhookId", w.request_url as "requestUrl", d.event_type as "eventType",
      d.run_id as "runId", r.actor, d.status, d.created_at as "createdAt", d.calls
    from webhook_dispatches d left join webhooks w on w.id = d.webhook_id left join runs r on r.id = d.run_id
    ${rest}`;
}

function page(alias: string, { limit, offset, desc }: Paging): RawBuilder<unknown> {
  const direction = desc ? sql`desc` : sql`asc`;
  const [createdAt, id] = [sql.ref(`${alias}.created_at`), sql.ref(`${alias}.id`)];
  return sql`order by ${createdAt} ${direction}, ${id} ${direction} limit ${limit} offset ${offset}`;
}
