import { defineCommand } from "citty";
import { readConfig } from "../config.ts";
import { type ApiToken, createToken, listTokens, revokeToken, type TokenScope } from "../db/api-tokens.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { InvalidInputError } from "../errors.ts";
import { print, printJsonLine } from "./print.ts";
import { formatTable } from "./table.ts";

const NAME = /^[\w.-]{1,64}$/;
const SCOPES: readonly TokenScope[] = ["read", "run", "admin"];

const create = defineCommand({
  meta: { name: "create", description: "Make a token; it is printed once" },
  args: {
    name: { type: "positional", description: "who or what it is for", required: true },
    scope: { type: "string", description: "read, run or admin", default: "read" },
  },
  run: ({ args }) =>
    withDatabase(async ({ pool }) => {
      const scope = SCOPES.find((known) => known === args.scope);
      if (!scope)
        throw new InvalidInputError(
          `--scope: expected one of ${SCOPES.join(", ")}, got ${JSON.stringify(args.scope)}`,
        );
      if (!NAME.test(args.name))
        throw new InvalidInputError(
          `name: expected 1 to 64 letters, digits, _, - and ., got ${JSON.stringify(args.name)}`,
        );
      const taken = (await listTokens(pool)).some(({ name, revokedAt }) => name === args.name && !revokedAt);
      if (taken)
        throw new InvalidInputError(`name: expected a new one, ${args.name} is there; revoke it first`);
      print(`${await createToken(pool, args.name, scope)}\n`);
    }),
});

const list = defineCommand({
  meta: { name: "list", description: "All tokens by name, without their text" },
  args: { json: { type: "boolean", description: "print it as JSON", default: false } },
  run: ({ args }) =>
    withDatabase(async ({ pool }) => {
      const tokens = await listTokens(pool);
      if (args.json) printJsonLine(tokens);
      else print(formatTokens(tokens));
    }),
});

const revoke = defineCommand({
  meta: { name: "revoke", description: "Make a token worthless; servers know it within ten seconds" },
  args: { name: { type: "positional", description: "its name", required: true } },
  run: ({ args }) =>
    withDatabase(async ({ pool }) => {
      if (!(await revokeToken(pool, args.name)))
        throw new InvalidInputError(`name: no valid token is called ${JSON.stringify(args.name)}`);
    }),
});

export const token = defineCommand({
  meta: { name: "token", description: "Tokens of the API: create, list, revoke" },
  subCommands: { create, list, revoke },
});

function formatTokens(tokens: readonly ApiToken[]): string {
  const rows = tokens.map(({ name, scope, createdAt, lastUsedAt, revokedAt }) => [
    name,
    scope,
    createdAt.toISOString().slice(0, 16),
    lastUsedAt?.toISOString().slice(0, 16) ?? "never",
    revokedAt ? "revoked" : "valid",
  ]);
  return formatTable(["name", "scope", "made", "last used", "state"], rows);
}

async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  const database = await openDatabase(readConfig(), { max: 2, applicationName: "b9 token" });
  try {
    await migrate(database.pool);
    await work(database);
  } finally {
    await database.close();
  }
}
