import type { H3 } from "h3";
import { z } from "zod";
import { notFound } from "../../http/api-error.ts";
import { route } from "../../http/route.ts";
import { envelope, USER } from "./wire.ts";

/** Whom the token belongs to. There are no accounts: everything is everybody's. */
export function addUsers(app: H3): void {
  route(app, {
    method: "GET",
    path: "/v2/users/:userId",
    scope: "read",
    tag: "Users",
    summary: "Whom the token belongs to",
    response: envelope(
      z.object({
        id: z.string(),
        username: z.string(),
        tokenName: z.string(),
        scope: z.enum(["read", "run", "admin"]),
        proxy: z.object({ password: z.null(), groups: z.array(z.never()) }),
      }),
    ),
    handler: ({ params, principal }) => {
      if (params["userId"] !== USER.id) throw notFound(`user ${JSON.stringify(params["userId"])}`);
      const { name, scope } = principal!;
      return { data: { ...USER, tokenName: name, scope, proxy: { password: null, groups: [] } } };
    },
  });
}
