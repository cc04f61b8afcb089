import { defineCommand } from "citty";
import { InvalidInputError } from "../errors.ts";
import { oneLine } from "../printable.ts";
import { RUN_STATUSES, type RunStatus } from "../runs/run.ts";
import { type Api, API_ARGS, found, withApi } from "./api.ts";
import { print, printJson, printStream } from "./print.ts";
import { count, formatDuration, formatProgress, formatTime, type RunAnswer } from "./run-format.ts";
import { formatTable, terminalWidth } from "./table.ts";

export const runs = defineCommand({
  meta: { name: "runs", description: "List the newest runs of the server" },
  args: {
    actor: { type: "string", description: "of one actor" },
    status: { type: "string", description: "in some statuses, as RUNNING,READY" },
    limit: { type: "string", description: "how many, up to 1000", default: "20" },
    ...API_ARGS,
  },
  async run({ args }) {
    const limit = Number(args.limit);
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
      throw new InvalidInputError(
        `--limit: expected a whole number from 1 to 1000, got ${JSON.stringify(args.limit)}`,
      );
    }
    const status = args.status?.split(",").map(readStatus);
    await withApi(args, async ({ client }) => {
      const list = args.actor === undefined ? client.runs() : client.actor(args.actor).runs();
      const { items, total } = await list.list({ limit, desc: true, ...(status && { status }) });
      if (args.json) return printJson(items);
      const rows = (items as RunAnswer[]).map((one) => [
        one.id,
        one.actId,
        one.status,
        formatTime(one.startedAt),
        one.finishedAt ? formatTime(one.finishedAt) : "–",
        one.statusMessage ?? "",
      ]);
      const head = ["id", "actor", "status", "started (UTC)", "finished (UTC)", "message"];
      print(formatTable(head, rows, { left: [1, 2, 3, 4, 5], maxWidth: terminalWidth() }));
      if (total > items.length) print(`… ${count(total - items.length)} older ones\n`);
    });
  },
});

function readStatus(text: string): RunStatus {
  const status = RUN_STATUSES.find((one) => one === text.trim().toUpperCase());
  if (status) return status;
  throw new InvalidInputError(
    `--status: expected some of ${RUN_STATUSES.join(", ")}, got ${JSON.stringify(text)}`,
  );
}

export const runInfo = defineCommand({
  meta: { name: "run-info", description: "Show one run: its state, progress, datasets and what it used" },
  args: { id: { type: "positional", description: "id of the run", required: true }, ...API_ARGS },
  run: ({ args }) =>
    withApi(args, async ({ client }) => {
      const one = found((await client.run(args.id).get()) as RunAnswer | undefined, `run ${args.id}`);
      if (args.json) return printJson(one);
      const input = await client.keyValueStore(one.defaultKeyValueStoreId).getRecord("INPUT");
      print(describeRun(one, input?.value));
    }),
});

function describeRun(run: RunAnswer, input: unknown): string {
  const { stats, options, storageIds } = run;
  const rows: [string, string][] = [
    ["Run", `${run.id} of actor ${run.actId}, launched by ${run.meta?.origin ?? "?"}`],
    ["Status", `${run.status}${run.statusMessage ? `: ${run.statusMessage}` : ""}`],
    ["Started", formatTime(run.startedAt)],
    ["Finished", run.finishedAt ? `${formatTime(run.finishedAt)}, exit code ${run.exitCode ?? "none"}` : "–"],
    ["Ran", `${formatDuration(run)}, attempt ${run.attempt ?? 1}${run.worker ? ` on ${run.worker}` : ""}`],
    ["Requests", formatProgress(run) || "–"],
    ["Memory", `${mbytes(stats?.memMaxBytes)} MB at most, of ${options?.memoryMbytes} MB`],
    ["Cost", `${(run.usageTotalUsd ?? 0).toFixed(4)} USD`],
    [
      "Datasets",
      Object.keys(storageIds?.datasets ?? {})
        .filter((name) => name !== "default")
        .join(", "),
    ],
    ["Input", JSON.stringify(input ?? null)],
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  return `${rows.map(([title, text]) => `${title.padEnd(width)}  ${oneLine(text)}`).join("\n")}\n`;
}

function mbytes(bytes: number | undefined): string {
  return count(Math.round((bytes ?? 0) / 1024 / 1024));
}

export const logs = defineCommand({
  meta: {
    name: "logs",
    description: "Print a run's log; without a run, what servers, workers and runs warned of",
  },
  args: {
    id: { type: "positional", description: "id of the run", required: false },
    follow: { type: "boolean", alias: "f", description: "until the run ends", default: false },
    level: { type: "string", description: "without a run: warn or error" },
    limit: { type: "string", description: "without a run: how many, up to 1000", default: "50" },
    url: API_ARGS.url,
  },
  run: ({ args }) =>
    withApi(args, async ({ client, fetch }) => {
      const { id } = args;
      if (id === undefined) return printSystemLogs(fetch, args);
      if (args.level !== undefined) throw new InvalidInputError("--level: a run's log is printed whole");
      const log = client.run(id).log();
      if (!args.follow) return void print(found(await log.get(), `run ${id}`));
      const stream = found(await log.stream(), `run ${id}`);
      await printStream(stream as AsyncIterable<Buffer>);
    }),
});

/** The newest, the oldest of them first. */
async function printSystemLogs(
  fetch: Api["fetch"],
  { level, limit, follow }: { level?: string; limit: string; follow: boolean },
): Promise<void> {
  if (follow) throw new InvalidInputError("--follow: expected a run's id before it");
  const query = new URLSearchParams({ limit, ...(level !== undefined && { level }) });
  const response = await fetch(`/api/logs?${query}`);
  const answer = (await response.json()) as {
    items?: { at: string; level: string; source: string; run_id: string | null; message: string }[];
    error?: { message: string };
  };
  if (!answer.items) throw new InvalidInputError(answer.error?.message ?? `status ${response.status}`);
  for (const { at, level: how, source, run_id: run, message } of answer.items.toReversed())
    print(`${at} ${how.toUpperCase().padEnd(5)} ${source}${run ? ` ${run}` : ""}: ${oneLine(message)}\n`);
}

export const abort = defineCommand({
  meta: {
    name: "abort",
    description: "End a run: requests in flight finish, what it found stays, resurrect goes on with it",
  },
  args: {
    id: { type: "positional", description: "id of the run", required: true },
    kill: { type: "boolean", description: "at once", default: false },
    ...API_ARGS,
  },
  run: ({ args }) =>
    withApi(args, async ({ client }) => {
      found(await client.run(args.id).get(), `run ${args.id}`);
      await client.run(args.id).abort({ gracefully: !args.kill });
      const one = await client.run(args.id).waitForFinish({ waitSecs: 35 });
      report(one as RunAnswer, args.json);
    }),
});

export const resurrect = defineCommand({
  meta: { name: "resurrect", description: "Let a run that is over go on where it stopped" },
  args: { id: { type: "positional", description: "id of the run", required: true }, ...API_ARGS },
  run: ({ args }) =>
    withApi(args, async ({ client }) => {
      found(await client.run(args.id).get(), `run ${args.id}`);
      report((await client.run(args.id).resurrect()) as RunAnswer, args.json);
    }),
});

function report(run: RunAnswer, isJson: boolean): void {
  if (isJson) printJson(run);
  else print(`run ${run.id}: ${run.status}${run.statusMessage ? `, ${oneLine(run.statusMessage)}` : ""}\n`);
}
