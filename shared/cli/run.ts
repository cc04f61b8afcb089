import { setTimeout as sleep } from "node:timers/promises";
import { defineCommand } from "citty";
import { InvalidInputError } from "../errors.ts";
import { oneLine } from "../printable.ts";
import { API_ARGS, type Api, found, withApi } from "./api.ts";
import { print, printJson } from "./print.ts";
import { readInput } from "./read-input.ts";
import { formatDuration, formatProgress, isOver, type RunAnswer } from "./run-format.ts";

export const runOnServer = defineCommand({
  meta: {
    name: "run",
    description: "Launch a run on the server and watch it; exit code 0 when it succeeded, 1 when not",
  },
  args: {
    actor: { type: "positional", description: "name of the actor", required: true },
    input: { type: "string", description: "run input: JSON, a file with it, or -", default: "{}" },
    memory: { type: "string", description: "MB; default: the actor's" },
    timeout: { type: "string", description: "seconds, 0 for none; default: the actor's" },
    "max-items": { type: "string", description: "end the run when it has this many items" },
    detach: { type: "boolean", description: "launch it and do not wait", default: false },
    ...API_ARGS,
  },
  async run({ args }) {
    const input = await readInput(args.input);
    const options = {
      ...whole("memory", args.memory, 1),
      ...whole("timeout", args.timeout, 0),
      ...whole("maxItems", args["max-items"], 1),
    };
    await withApi(args, async (api) => {
      const started = await api.client.actor(args.actor).start(input, options);
      if (!args.json) print(`run ${started.id}: ./b9 logs ${started.id} -f follows its log\n`);
      const ended = args.detach ? (started as RunAnswer) : await watch(api, started.id, !args.json);
      if (args.json) printJson(ended);
      else if (!args.detach) print(describeEnd(ended));
      if (!args.detach && ended.status !== "SUCCEEDED") process.exitCode = 1;
    });
  },
});

function whole(name: string, text: string | undefined, min: number): Record<string, number> {
  if (text === undefined) return {};
  const value = Number(text);
  if (!Number.isInteger(value) || value < min) {
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new InvalidInputError(
      `--${flag}: expected a whole number from ${min}, got ${JSON.stringify(text)}`,
    );
  }
  return { [name]: value };
}

/** How often a run that is being watched is asked after. */
const WATCH_SECS = 1;
/** Lines for a log instead of a terminal, at most one in this time. */
const LINE_SECS = 10;

/** Waits for the end of a run, and says how it goes: in one line of a terminal that changes, or in some lines. */
async function watch({ client }: Api, id: string, isShown: boolean): Promise<RunAnswer> {
  const onInterrupt = () => {
    print(`\nrun ${id} goes on; ./b9 abort ${id} ends it\n`);
    process.exit(130);
  };
  process.once("SIGINT", onInterrupt);
  const line = createStatusLine(isShown);
  try {
    for (;;) {
      const current = found((await client.run(id).get()) as RunAnswer | undefined, `run ${id}`);
      line.show([current.status, formatDuration(current), formatProgress(current), current.statusMessage]);
      if (isOver(current)) return current;
      await sleep(WATCH_SECS * 1000);
    }
  } finally {
    line.end();
    process.off("SIGINT", onInterrupt);
  }
}

function createStatusLine(isShown: boolean): {
  show(parts: (string | undefined | null)[]): void;
  end(): void;
} {
  const isTerminal = process.stdout.isTTY;
  let lastAt = -Infinity;
  let lastStatus: string | undefined | null;
  return {
    show(parts) {
      if (!isShown) return;
      const text = oneLine(parts.filter(Boolean).join("  "));
      if (isTerminal)
        return void process.stdout.write(`\r\u001b[2K${text.slice(0, process.stdout.columns - 1)}`);
      if (parts[0] === lastStatus && performance.now() - lastAt < LINE_SECS * 1000) return;
      [lastAt, lastStatus] = [performance.now(), parts[0]];
      print(`${text}\n`);
    },
    end() {
      if (isShown && isTerminal) print("\n");
    },
  };
}

function describeEnd(ended: RunAnswer): string {
  const { id, status, statusMessage, usageTotalUsd = 0 } = ended;
  return [
    oneLine(`${status}${statusMessage ? `: ${statusMessage}` : ""}`),
    `${formatProgress(ended) || "no requests"} in ${formatDuration(ended)}${usageTotalUsd > 0 ? `, ${usageTotalUsd.toFixed(4)} USD` : ""}`,
    `./b9 run-info ${id} shows it, ./b9 export ${id} <dataset> its items`,
    "",
  ].join("\n");
}
