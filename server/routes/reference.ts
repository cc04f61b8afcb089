import type { H3 } from "h3";
import { z } from "zod";
import { describeApi } from "../http/openapi.ts";
import { REFERENCE_POLICY, renderReference } from "../http/reference-page.ts";
import { JsonText, Reply } from "../http/reply.ts";
import { route, routesOf } from "../http/route.ts";

/** What there is, for programs and for people. Made when it is asked for first: then all routes are there. */
export function addReference(app: H3): void {
  const describe = once(() => describeApi(routesOf(app)));
  const json = once(async () => new JsonText(JSON.stringify(await describe())));
  route(app, {
    method: "GET",
    path: "/openapi.json",
    scope: "read",
    tag: "Reference",
    summary: "This reference as OpenAPI 3.1",
    response: z.record(z.string(), z.unknown()),
    handler: json,
  });

  const page = once(async () => renderReference(await describe()));
  route(app, {
    method: "GET",
    path: "/docs",
    scope: "read",
    tag: "Reference",
    summary: "This reference as a page",
    response: "text/html",
    handler: async () =>
      new Reply(await page(), {
        headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": REFERENCE_POLICY },
      }),
  });
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
}
