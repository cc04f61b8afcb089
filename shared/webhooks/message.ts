import type { Run } from "../runs/run.ts";

/**
 * What a receiver is told of a run, in Apify's form. `resource` is the run as it is when the message is sent: `null` when
 * it was removed meanwhile.
 * @see https://docs.apify.com/platform/integrations/webhooks/actions
 */
export function runMessage(eventType: string, createdAt: Date, runId: string, run: Run | undefined): object {
  return {
    userId: "me",
    createdAt,
    eventType,
    eventData: { actorId: run?.actor ?? null, actorRunId: runId },
    resource: run
      ? {
          id: run.id,
          actId: run.actor,
          status: run.status,
          statusMessage: run.statusMessage,
          startedAt: run.startedAt,
          finishedAt: run.finishedAt,
          exitCode: run.exitCode,
          defaultDatasetId: run.id,
          defaultKeyValueStoreId: run.id,
          defaultRequestQueueId: run.id,
          stats: run.stats,
          progress: run.progress,
        }
      : null,
  };
}
