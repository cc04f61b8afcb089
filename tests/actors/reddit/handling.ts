import { router } from "../../../actors/reddit/routes.ts";
import { createHandling } from "../handling.ts";

export { OBSERVED_AT } from "../handling.ts";

export const { handle, handleGone, handleFailed } = createHandling(router);

/** A listing's body. */
export function listing(kind: string, children: object[], after: string | null = null) {
  return { kind: "Listing", data: { after, children: children.map((data) => ({ kind, data })) } };
}
