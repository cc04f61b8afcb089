import type { H3 } from "h3";
import { ApiError } from "../../http/api-error.ts";
import type { Services } from "../../services.ts";
import { addActors } from "./actors.ts";
import { addDatasets } from "./datasets.ts";
import { addKeyValueStores } from "./key-value-stores.ts";
import { addLogs } from "./logs.ts";
import { addRequestQueues } from "./request-queues.ts";
import { addRuns } from "./runs.ts";
import { addSchedules } from "./schedules.ts";
import { addUsers } from "./users.ts";
import { addWebhooks } from "./webhooks.ts";

/** Apify's API, so that its clients work with our base URL. */
export function addV2(app: H3, services: Services): void {
  addActors(app, services);
  addRuns(app, services);
  addLogs(app, services);
  addDatasets(app, services);
  addKeyValueStores(app, services);
  addRequestQueues(app, services);
  addSchedules(app, services);
  addWebhooks(app, services);
  addUsers(app);
  // The clients append /v2 to what they are given.
  app.all("/v2/v2/**", () => {
    throw new ApiError(404, "PAGE_NOT_FOUND", "the base URL must not end in /v2: the client appends it");
  });
}
