import type { H3 } from "h3";
import { z } from "zod";
import { describeApi } from "../http/openapi.ts";
import { REFERENCE_POLICY, renderReference } from "../http/reference-page.ts";
import { JsonText, Reply } from "../http/reply.ts";
import { route, routesOf } from "../http/route.ts";

/** What there is, for programs and for people. Made when it is asked for first: then all routes are there. */
export function addReference(app: H3): void {
  let json: JsonText | undefined;
  route(app, {
    method: "GET",
    path: "/openapi.json",
    scope: "read",
    tag: "Reference",
    summary: "This reference as OpenAPI 3.1",
    response: z.record(z.string(), z.unknown()),
    handler: () => (json ??= new JsonText(JSON.stringify(describeApi(routesOf(app))))),
  });

  let page: string | undefined;
  route(app, {
    method: "GET",
    path: "/docs",
    scope: "read",
    tag: "Reference",
    summary: "This reference as a page",
    response: "text/html",
    handler: () =>
      new Reply((page ??= renderReference(describeApi(routesOf(app)))), {
        headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": REFERENCE_POLICY },
      }),
  });
}
