import type { H3 } from "h3";
import { z } from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { route } from "../http/route.ts";
import { Reply } from "../http/reply.ts";
import { createReadiness } from "../readiness.ts";
import type { Services } from "../services.ts";

const Check = z.object({
  ok: z.boolean(),
  latency_ms: z.number(),
  /** What is wrong, or what was found. */
  detail: z.string().optional(),
});

const PROBE = { headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" } };

/** Health and readiness, open to everybody. */
export function addProbes(app: H3, services: Services): void {
  route(app, {
    method: "GET",
    path: "/health",
    scope: null,
    tag: "Probes",
    summary: "Liveness: 200 as long as the process serves",
    response: z.object({ status: z.literal("ok"), version: z.string(), uptime_secs: z.int() }),
    handler: () =>
      new Reply(
        JSON.stringify({
          status: "ok",
          version: packageJson.version,
          uptime_secs: Math.floor(process.uptime()),
        }),
        PROBE,
      ),
  });

  const check = createReadiness(services);
  route(app, {
    method: "GET",
    path: "/ready",
    scope: null,
    tag: "Probes",
    summary: "Readiness: 200, or 503 when one of the checks fails",
    description: "Checks database, migrations, queue and disk, at most once a second, whoever asks.",
    response: z.object({
      status: z.enum(["ready", "not_ready"]),
      checks: z.record(z.enum(["database", "migrations", "queue", "disk"]), Check),
    }),
    errors: { 503: "not ready; the body is the same" },
    handler: async () => {
      const readiness = await check();
      const status = readiness.status === "ready" ? 200 : 503;
      return new Reply(JSON.stringify(readiness), {
        status,
        headers: { ...PROBE.headers, ...(status === 503 && { "retry-after": "5" }) },
      });
    },
  });
}
