/** What a token allows; each includes those before it. */
export const SCOPES = ["read", "run", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Whoever asks, once the token was checked. */
export interface Principal {
  /** Of the token, for logs and for what people change: `tags_updated_by`. */
  name: string;
  scope: Scope;
  /** Whose rate limit it is; null: none. */
  limitKey: string | null;
  /** Of the database; null: it is of the settings, or there is none. */
  tokenId: number | null;
}

export function allows(granted: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(granted) >= SCOPES.indexOf(needed);
}
