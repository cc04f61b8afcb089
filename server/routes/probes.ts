import { setTimeout as sleep } from "node:timers/promises";
import type { H3, H3Event } from "h3";
import { z } from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { Reply } from "../http/reply.ts";
import { admits, route } from "../http/route.ts";
import { createReadiness, type Readiness } from "../readiness.ts";
import type { Services } from "../services.ts";

const Check = z.object({
  ok: z.boolean(),
  latency_ms: z.number(),
  detail: z.string().optional().describe("What is wrong, or what was found; for tokens alone"),
});

const TOKEN_MS = 1_000;
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
    description:
      "Checks database, migrations, queue and disk, at most once a second, whoever asks. With a token it says what was found: names of hosts and folders are nobody else's business.",
    response: z.object({
      status: z.enum(["ready", "not_ready"]),
      checks: z.record(z.enum(["database", "migrations", "queue", "disk"]), Check),
    }),
    errors: { 503: "not ready; the body is the same" },
    handler: async ({ event }) => {
      const readiness = await check();
      const isKnown = mayBeKnown(event, services) && (await within(TOKEN_MS, admits(app, event, "read")));
      const told = isKnown ? readiness : withoutDetails(readiness);
      const status = readiness.status === "ready" ? 200 : 503;
      return new Reply(JSON.stringify(told), {
        status,
        headers: { ...PROBE.headers, ...(status === 503 && { "retry-after": "5" }) },
      });
    },
  });
}

/** False when the answer takes longer: the database that would know the token may be what is not ready. */
function within(ms: number, answer: Promise<boolean>): Promise<boolean> {
  return Promise.race([answer, sleep(ms, false, { ref: false })]);
}

/** A probe without a token is no guess of one, and is not counted as such. */
function mayBeKnown({ req: { headers }, url }: H3Event, { tokens }: Services): boolean {
  const names = ["authorization", "x-api-key"];
  return names.some((name) => headers.has(name)) || url.searchParams.has("token") || tokens.isTokenless();
}

function withoutDetails({ status, checks }: Readiness): Readiness {
  const plain = Object.entries(checks).map(([name, { ok, latency_ms }]) => [name, { ok, latency_ms }]);
  // The same names with the same kind of results.
  return { status, checks: Object.fromEntries(plain) as Readiness["checks"] };
}
