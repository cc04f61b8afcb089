import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { defineCommand } from "citty";
import { readConfig } from "../config.ts";
import type { ActorDefinition } from "../crawl/define-actor.ts";
import { runActor } from "../crawl/run-actor.ts";
import { InvalidInputError } from "../errors.ts";
import { formatSummary } from "./format-summary.ts";
import { print, printJsonLine } from "./print.ts";
import { readInput } from "./read-input.ts";
import { useSandbox } from "./sandbox-process.ts";

const ACTORS_DIR = path.resolve(import.meta.dirname, "../../actors");

export const crawl = defineCommand({
  meta: {
    name: "crawl",
    description: "Run an actor here, no server: input and results in the storage folder, or in the database",
  },
  args: {
    actor: { type: "positional", description: "folder name under actors/", required: true },
    input: {
      type: "string",
      description: "run input: JSON, a file with it, or -; default: INPUT.json of the storage folder",
    },
    storage: { type: "string", description: "storage folder; default: STORAGE_DIR" },
    resume: { type: "boolean", description: "go on with the crawl in the storage folder", default: false },
    db: { type: "boolean", description: "keep the run in the database", default: false },
    run: {
      type: "string",
      description:
        "with --db: the run to create, share with other processes, or go on with; default: a new one",
    },
    "max-concurrency": {
      type: "string",
      description: "requests in flight at once; default: MAX_CONCURRENCY",
    },
    sandbox: {
      type: "boolean",
      description: "crawl the stand-in world: joins a running one, or starts it",
      default: false,
    },
    json: { type: "boolean", description: "print the summary as JSON", default: false },
  },
  async run({ args }) {
    assertTogether(args);
    const actor = await loadActor(args.actor);
    const input = args.input === undefined ? undefined : await readInput(args.input);
    const settings = {
      ...process.env,
      ...(args.storage && { STORAGE_DIR: args.storage }),
      ...(args["max-concurrency"] && { MAX_CONCURRENCY: args["max-concurrency"] }),
    };
    const world = args.sandbox ? await useSandbox(readConfig(settings)) : null;
    try {
      const config = readConfig({ ...settings, ...world?.env });
      const { exitCode, summary } = await runActor(actor, {
        input,
        resume: args.resume,
        ...(args.db && { database: args.run === undefined ? {} : { runId: args.run } }),
        config,
      });
      if (summary && args.json) printJsonLine(summary);
      else if (summary) print(formatSummary(summary, config.storageDir));
      process.exitCode = exitCode;
    } finally {
      await world?.leave();
    }
  },
});

/** @throws {InvalidInputError} for options of which one would be ignored */
function assertTogether(args: { db: boolean; run?: string; resume: boolean; storage?: string }): void {
  if (args.run !== undefined && !args.db)
    throw new InvalidInputError("--run: runs are in the database; add --db");
  if (args.db && args.resume)
    throw new InvalidInputError("--resume: with --db, --run <id> goes on with a run");
  if (args.storage === "") throw new InvalidInputError('--storage: expected a folder, got ""');
  if (args.db && args.storage) throw new InvalidInputError("--storage: with --db there is no storage folder");
}

/** @throws {InvalidInputError} naming the actors that exist */
async function loadActor(name: string): Promise<ActorDefinition> {
  const names = readdirSync(ACTORS_DIR).filter((folder) =>
    existsSync(path.join(ACTORS_DIR, folder, "main.ts")),
  );
  if (!names.includes(name))
    throw new InvalidInputError(`no actor ${JSON.stringify(name)}; there are: ${names.join(", ")}`);
  const { actor } = (await import(path.join(ACTORS_DIR, name, "main.ts"))) as { actor: ActorDefinition };
  return actor;
}
