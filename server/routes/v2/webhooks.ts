import type { H3 } from "h3";
import { z } from "zod";
import {
  createWebhook,
  findDispatch,
  findWebhook,
  listDispatches,
  listWebhooks,
  removeWebhook,
  testWebhook,
  updateWebhook,
} from "../../../shared/webhooks/webhooks.ts";
import { notFound } from "../../http/api-error.ts";
import { Reply } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import type { Services } from "../../services.ts";
import {
  DispatchObject,
  toDispatchObject,
  toWebhookObject,
  toWebhookSettings,
  WebhookCreation,
  WebhookObject,
  WebhookUpdate,
} from "./webhook-object.ts";
import { envelope, listOf, paging, toList } from "./wire.ts";

/** For admins alone: a receiver's address is often a secret, and what is sent to it leaves the house. */
const common = { scope: "admin", tag: "Webhooks" } as const;
const path = "/v2/webhooks/:webhookId";

/** Receivers of what happens to runs. */
export function addWebhooks(app: H3, services: Services): void {
  const { database } = services;
  route(app, {
    ...common,
    method: "GET",
    path: "/v2/webhooks",
    summary: "All webhooks, in the order of their creation",
    query: z.object(paging),
    response: listOf(WebhookObject),
    handler: async ({ query }) => {
      const { items, total } = await listWebhooks(database, query);
      return toList(items.map(toWebhookObject), total, query);
    },
  });
  route(app, {
    ...common,
    method: "POST",
    path: "/v2/webhooks",
    summary: "Creates a webhook",
    body: WebhookCreation,
    response: envelope(WebhookObject),
    status: 201,
    handler: async ({ body }) => {
      const created = await createWebhook(database, toWebhookSettings(body), body.idempotencyKey ?? null);
      return { data: toWebhookObject(created) };
    },
  });
  addWebhook(app, services);
  addDispatches(app, services);
}

function addWebhook(app: H3, { database }: Services): void {
  route(app, {
    ...common,
    method: "GET",
    path,
    summary: "A webhook",
    response: envelope(WebhookObject),
    handler: async ({ params: { webhookId } }) => ({
      data: toWebhookObject(there(await findWebhook(database, webhookId!), webhookId)),
    }),
  });
  route(app, {
    ...common,
    method: "PUT",
    path,
    summary: "Changes what the body names",
    body: WebhookUpdate,
    response: envelope(WebhookObject),
    handler: async ({ params: { webhookId }, body }) => {
      const updated = await updateWebhook(database, webhookId!, toWebhookSettings(body));
      return { data: toWebhookObject(there(updated, webhookId)) };
    },
  });
  route(app, {
    ...common,
    method: "DELETE",
    path,
    summary: "Removes a webhook; what is on its way is not sent any more",
    response: z.null(),
    status: 204,
    handler: async ({ params: { webhookId } }) => {
      there((await removeWebhook(database, webhookId!)) || undefined, webhookId);
      return new Reply(null);
    },
  });
  route(app, {
    ...common,
    method: "POST",
    path: `${path}/test`,
    summary: "Sends a message of the event TEST",
    response: envelope(DispatchObject),
    status: 201,
    handler: async ({ params: { webhookId } }) => ({
      data: toDispatchObject(there(await testWebhook(database, webhookId!), webhookId)),
    }),
  });
}

function addDispatches(app: H3, { database }: Services): void {
  const reading = {
    ...common,
    method: "GET",
    query: z.object(paging),
    response: listOf(DispatchObject),
  } as const;
  route(app, {
    ...reading,
    path: "/v2/webhook-dispatches",
    summary: "All messages, those of alerts included, in the order of their creation",
    handler: async ({ query }) => {
      const { items, total } = await listDispatches(database, query);
      return toList(items.map(toDispatchObject), total, query);
    },
  });
  route(app, {
    ...reading,
    path: `${path}/dispatches`,
    summary: "The messages of a webhook",
    handler: async ({ params: { webhookId }, query }) => {
      there(await findWebhook(database, webhookId!), webhookId);
      const { items, total } = await listDispatches(database, query, webhookId);
      return toList(items.map(toDispatchObject), total, query);
    },
  });
  route(app, {
    ...common,
    method: "GET",
    path: "/v2/webhook-dispatches/:dispatchId",
    summary: "A message, with every try to deliver it",
    response: envelope(DispatchObject),
    handler: async ({ params: { dispatchId } }) => {
      const dispatch = await findDispatch(database, dispatchId!);
      if (!dispatch) throw notFound(`dispatch ${JSON.stringify(dispatchId)}`);
      return { data: toDispatchObject(dispatch) };
    },
  });
}

function there<Value>(found: Value | undefined, id: string | undefined): Value {
  if (found === undefined) throw notFound(`webhook ${JSON.stringify(id)}`);
  return found;
}
