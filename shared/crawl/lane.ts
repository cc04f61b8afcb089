import type { HttpClient } from "./http-client.ts";
import type { IdentityPool } from "./identity-pool.ts";
import type { Site } from "./site.ts";

/** One of a crawl's ways to its data: a site, and the identities that ask it. */
export interface Lane {
  site: Site;
  client: HttpClient;
  pool: IdentityPool;
  /** Another lane takes over what this one's identities, all retired, cannot do: such requests fail without a call. */
  hasFallback: boolean;
}

/**
 * The lane that a request's URL belongs to.
 * @throws {Error} when no site serves it
 */
export function laneOf(lanes: readonly Lane[], url: string): Lane {
  const lane = lanes.find(({ site }) => site.serves?.(url) ?? true);
  if (!lane) throw new Error(`no site of this crawl serves ${url}`);
  return lane;
}
