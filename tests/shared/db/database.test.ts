import { expect, it } from "vitest";
import { isTransactionPooler } from "../../../shared/db/database.ts";

it.each([
  ["postgres://u:p@aws-0.pooler.supabase.com:6543/postgres", true],
  ["postgres://u:p@pgbouncer.example:5432/b9?pgbouncer=true", true],
  ["postgres://u:p@aws-0.pooler.supabase.com:5432/postgres", false],
  ["postgres://u:p@db.example/b9", false],
])("knows by its URL whether %s hands out connections a transaction: %s", (url, expected) => {
  expect(isTransactionPooler(url)).toBe(expected);
});
