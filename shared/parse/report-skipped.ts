import type { HandlerContext } from "../crawl/router.ts";
import type { SkippedChild } from "./shape.ts";

/** Children of a page that could not be read are failures of their own: the rest of the page counts. */
export async function reportSkipped(
  { request, pushData }: Pick<HandlerContext<unknown>, "request" | "pushData">,
  skipped: readonly SkippedChild[],
): Promise<void> {
  const failures = skipped.map(({ id, reason }) => ({
    request_id: `${request.id}#${id}`,
    url: request.url,
    label: request.label,
    outcome: "malformed",
    reason: "UnexpectedShapeError",
    status: 200,
    attempts: request.retryCount + 1,
    last_error: reason,
  }));
  await pushData(failures, "failed_requests");
}
