import { hash, randomBytes } from "node:crypto";
import type { Pool } from "pg";

export type TokenScope = "read" | "run" | "admin";

/** A token as it is stored: by its hash alone. */
export interface ApiToken {
  id: number;
  name: string;
  scope: TokenScope;
  createdAt: Date;
  /** To five minutes; null: never used. */
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

/** Makes a token. @returns its text, which is shown once and nowhere kept */
export async function createToken(pool: Pool, name: string, scope: TokenScope): Promise<string> {
  // 256 random bits: nothing is gained by a slow hash.
  const token = `b9_${randomBytes(32).toString("base64url")}`;
  await pool.query("insert into api_tokens (name, scope, token_hash) values ($1, $2, $3)", [
    name,
    scope,
    hash("sha256", token, "buffer"),
  ]);
  return token;
}

/** All tokens, revoked ones too, in the order of their making. */
export async function listTokens(pool: Pool): Promise<ApiToken[]> {
  const { rows } = await pool.query<ApiToken>(
    `select id, name, scope, created_at as "createdAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"
    from api_tokens order by id`,
  );
  return rows;
}

/** Servers refuse it within ten seconds. @returns false when no token of that name is valid */
export async function revokeToken(pool: Pool, name: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    "update api_tokens set revoked_at = now() where name = $1 and revoked_at is null",
    [name],
  );
  return rowCount === 1;
}

/** The valid token with this SHA-256, which is thereby used. */
export async function useToken(
  pool: Pool,
  tokenHash: Buffer,
): Promise<Pick<ApiToken, "id" | "name" | "scope"> | null> {
  const { rows } = await pool.query<Pick<ApiToken, "id" | "name" | "scope">>(
    "select id, name, scope from use_api_token($1)",
    [tokenHash],
  );
  return rows[0] ?? null;
}

/** All tokens that are valid, with the SHA-256 of each. */
export async function readValidTokens(
  pool: Pool,
): Promise<(Pick<ApiToken, "id" | "name" | "scope"> & { tokenHash: Buffer })[]> {
  const { rows } = await pool.query<Pick<ApiToken, "id" | "name" | "scope"> & { tokenHash: Buffer }>(
    'select id, name, scope, token_hash as "tokenHash" from api_tokens where revoked_at is null',
  );
  return rows;
}

export async function anyTokenExists(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ found: boolean }>(
    "select exists (select from api_tokens where revoked_at is null) as found",
  );
  return rows[0]!.found;
}
