import type { Config } from "../../shared/config.ts";
import type { Launcher } from "../../shared/runs/token-limits.ts";

/** What a token allows; each includes those before it. */
export const SCOPES = ["read", "run", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Whoever asks, once the token was checked. */
export interface Principal {
  /** Of the token, for logs and for what people change: `tags_updated_by`. */
  name: string;
  scope: Scope;
  /** In the database; null: the token of the settings, or none. */
  tokenId: number | null;
  /** Whose rate limit it is; null: none. */
  limitKey: string | null;
}

export function allows(granted: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(granted) >= SCOPES.indexOf(needed);
}

/** Who launches and stores when this principal asks: all but admins within the settings' limits. */
export function toLauncher(principal: Principal | null, config: Config): Launcher {
  const { tokenId = null, scope = "admin" } = principal ?? {};
  return { tokenId, limits: scope === "admin" ? null : config };
}
