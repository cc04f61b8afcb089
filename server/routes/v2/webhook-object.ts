import { z } from "zod";
import { findActor } from "../../../shared/runs/actors.ts";
import {
  type Dispatch,
  RUN_EVENTS,
  type Webhook,
  type WebhookSettings,
} from "../../../shared/webhooks/webhooks.ts";
import { date, USER } from "./wire.ts";

const Condition = z.object({
  actorId: z
    .string()
    .refine((id) => findActor(id), { error: "the id of an actor" })
    .optional(),
  actorRunId: z.string().optional(),
});

/** What Apify has beside it is refused, not ignored: a receiver would wait for what never comes. */
export const WebhookUpdate = z.object({
  eventTypes: z.array(z.enum(RUN_EVENTS)).min(1).optional(),
  condition: Condition.optional().describe("Of one actor, or one run; empty: of all"),
  requestUrl: z
    .url({ protocol: /^https?$/, error: "an http(s) URL" })
    .max(2000)
    .optional(),
  description: z.string().max(2000).optional(),
  payloadTemplate: z.null({ error: "nothing: there are no templates" }).optional(),
  headersTemplate: z.null({ error: "nothing: there are no templates" }).optional(),
  shouldInterpolateStrings: z.literal(false).optional(),
  ignoreSslErrors: z.literal(false).optional(),
  doNotRetry: z.literal(false).optional(),
  isAdHoc: z.literal(false).optional(),
});

export const WebhookCreation = WebhookUpdate.extend({
  eventTypes: z.array(z.enum(RUN_EVENTS)).min(1),
  condition: Condition.default({}),
  requestUrl: z.url({ protocol: /^https?$/, error: "an http(s) URL" }).max(2000),
  description: z.string().max(2000).default(""),
  idempotencyKey: z.string().min(1).max(256).optional(),
});

export const WebhookObject = z.object({
  id: z.string(),
  userId: z.string(),
  createdAt: date,
  modifiedAt: date,
  isAdHoc: z.literal(false),
  shouldInterpolateStrings: z.literal(false),
  ignoreSslErrors: z.literal(false),
  doNotRetry: z.literal(false),
  eventTypes: z.array(z.string()),
  condition: z.object({ actorId: z.string().optional(), actorRunId: z.string().optional() }),
  requestUrl: z.string(),
  description: z.string(),
  payloadTemplate: z.null(),
  stats: z.object({ totalDispatches: z.int() }),
});

export const DispatchObject = z.object({
  id: z.string(),
  userId: z.string(),
  webhookId: z.string().nullable().describe("null: an alert, to ALERT_WEBHOOK_URL"),
  createdAt: date,
  status: z.enum(["ACTIVE", "SUCCEEDED", "FAILED"]),
  eventType: z.string(),
  eventData: z.object({ actorId: z.string().nullable(), actorRunId: z.string() }).nullable(),
  webhook: z.object({ requestUrl: z.string(), isAdHoc: z.literal(false) }).nullable(),
  calls: z.array(
    z.object({
      startedAt: z.string(),
      finishedAt: z.string(),
      responseStatus: z.int().nullable(),
      errorMessage: z.string().nullable(),
    }),
  ),
});

export function toWebhookObject(webhook: Webhook): z.infer<typeof WebhookObject> {
  const { actor, runId, totalDispatches, ...rest } = webhook;
  return {
    ...rest,
    userId: USER.id,
    isAdHoc: false,
    shouldInterpolateStrings: false,
    ignoreSslErrors: false,
    doNotRetry: false,
    condition: { ...(actor !== null && { actorId: actor }), ...(runId !== null && { actorRunId: runId }) },
    payloadTemplate: null,
    stats: { totalDispatches },
  };
}

export function toDispatchObject(dispatch: Dispatch): z.infer<typeof DispatchObject> {
  const { runId, actor, requestUrl, calls, ...rest } = dispatch;
  return {
    ...rest,
    userId: USER.id,
    eventData: runId === null ? null : { actorId: actor, actorRunId: runId },
    webhook: requestUrl === null ? null : { requestUrl, isAdHoc: false },
    calls: calls.map((call) => ({
      startedAt: call.started_at,
      finishedAt: call.finished_at,
      responseStatus: call.status,
      errorMessage: call.error,
    })),
  };
}

/** What `body` says of the settings. */
export function toWebhookSettings(body: z.infer<typeof WebhookCreation>): WebhookSettings;
export function toWebhookSettings(body: z.infer<typeof WebhookUpdate>): Partial<WebhookSettings>;
export function toWebhookSettings({
  eventTypes,
  condition,
  requestUrl,
  description,
}: z.infer<typeof WebhookUpdate>) {
  return {
    ...(eventTypes && { eventTypes }),
    ...(condition && {
      actor: condition.actorId === undefined ? null : findActor(condition.actorId)!.name,
      runId: condition.actorRunId ?? null,
    }),
    ...(requestUrl !== undefined && { requestUrl }),
    ...(description !== undefined && { description }),
  };
}
