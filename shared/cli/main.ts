import { inspect } from "node:util";
import { defineCommand, runCommand, showUsage, type CommandDef } from "citty";
import packageJson from "../../package.json" with { type: "json" };
import { InvalidInputError } from "../errors.ts";
import { surviveOutput } from "../output.ts";
import { printError, printLine } from "./print.ts";

const main = defineCommand({
  meta: { name: "b9", version: packageJson.version, description: packageJson.description },
  subCommands: {
    crawl: () => import("./crawl.ts").then(({ crawl }) => crawl),
    export: () => import("./export.ts").then(({ exportDataset }) => exportDataset),
    db: () => import("./db.ts").then(({ db }) => db),
    up: () => import("./up.ts").then(({ up }) => up),
    run: () => import("./run.ts").then(({ runOnServer }) => runOnServer),
    runs: () => import("./runs.ts").then(({ runs }) => runs),
    "run-info": () => import("./runs.ts").then(({ runInfo }) => runInfo),
    logs: () => import("./runs.ts").then(({ logs }) => logs),
    abort: () => import("./runs.ts").then(({ abort }) => abort),
    resurrect: () => import("./runs.ts").then(({ resurrect }) => resurrect),
    status: () => import("./status.ts").then(({ status }) => status),
    api: () => import("./ask.ts").then(({ ask }) => ask),
    actors: () => import("./actors.ts").then(({ actors }) => actors),
    schedules: () => import("./schedules.ts").then(({ schedules }) => schedules),
    worker: () => import("./worker.ts").then(({ worker }) => worker),
    demo: () => import("./demo.ts").then(({ demo }) => demo),
    sandbox: () => import("./sandbox.ts").then(({ sandbox }) => sandbox),
    server: () => import("./server.ts").then(({ server }) => server),
    token: () => import("./token.ts").then(({ token }) => token),
    bench: () => import("./bench.ts").then(({ bench }) => bench),
  },
});

/** What does its work, or tidies up after it, whether anybody reads on or not; all else only prints. */
const WORKING = new Set("bench crawl db demo export run sandbox server token up worker".split(" "));

/** What can go wrong on a machine: their messages say what to do, a stack would not. By name, not to load their modules. */
const OPERATIONAL_ERRORS = new Set(["ApiError", "DatabaseError", "StorageError"]);

const argv = process.argv.slice(2);
surviveOutput({ isPrinter: !WORKING.has(argv[0] ?? "") });
process.on("uncaughtException", fail);
await run(argv);

/** Runs the command that `args` name. Wrong usage ends with exit code 2, as invalid input does. */
async function run(args: string[]): Promise<void> {
  const [command, parent] = await findCommand(args);
  if (args.some((arg) => arg === "--help" || arg === "-h") || args.length === 0)
    return showUsage(command, parent);
  if (args[0] === "--version") return printLine(packageJson.version);
  try {
    await assertKnownFlags(command, args);
    await runCommand(main, { rawArgs: args });
  } catch (error) {
    const { name, message } = error as Error;
    if (OPERATIONAL_ERRORS.has(name)) {
      printError(message);
      process.exitCode = 1;
      return;
    }
    if (name !== "CLIError" && !(error instanceof InvalidInputError)) return fail(error as Error);
    printError(message);
    if (name === "CLIError") printError("b9 --help shows how");
    process.exitCode = 2;
  }
}

/** A fault of ours: as Node tells it, and ends by it, but without what its texts could do to a terminal. */
function fail(error: Error): never {
  printError(inspect(error));
  process.exit(1);
}

/** The deepest subcommand that `args` name, and its parent. */
async function findCommand(args: string[]): Promise<[CommandDef, CommandDef?]> {
  let command: CommandDef = main;
  let parent: CommandDef | undefined;
  for (const arg of args) {
    const subCommands = (await resolve(command.subCommands)) ?? {};
    const next = subCommands[arg];
    if (!next) break;
    [parent, command] = [command, (await resolve(next)) as CommandDef];
  }
  return [command, parent];
}

/** citty takes any flag for granted; a misspelt `--resume` must not start a fresh crawl. */
async function assertKnownFlags(command: CommandDef, args: string[]): Promise<void> {
  const names = Object.keys((await resolve(command.args)) ?? {});
  const flags = args.flatMap((arg) => /^--(?:no-)?([\w-]+)/.exec(arg)?.[1] ?? []);
  const unknown = flags.find((flag) => !names.includes(flag));
  if (unknown !== undefined) {
    const known = names.map((name) => `--${name}`).join(", ") || "none";
    throw new InvalidInputError(`unknown option --${unknown}; there are: ${known}`);
  }
}

async function resolve<T>(value: T | Promise<T> | (() => T | Promise<T>)): Promise<T> {
  return value instanceof Function ? value() : value;
}
