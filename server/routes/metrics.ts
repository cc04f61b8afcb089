import type { H3 } from "h3";
import { Reply } from "../http/reply.ts";
import { route } from "../http/route.ts";
import type { Services } from "../services.ts";

export function addMetrics(app: H3, { metrics }: Services): void {
  route(app, {
    method: "GET",
    path: "/metrics",
    scope: "read",
    tag: "Probes",
    summary: "Prometheus metrics; with Accept: application/json the same as JSON",
    response: "text/plain",
    handler: async ({ event }) => {
      const asJson = /\bapplication\/json\b/.test(event.req.headers.get("accept") ?? "");
      return new Reply(await metrics.render(asJson ? "json" : "text"), {
        headers: {
          "content-type": asJson ? "application/json; charset=utf-8" : metrics.contentType,
          "cache-control": "no-store",
        },
      });
    },
  });
}
