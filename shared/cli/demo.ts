import { setTimeout as sleep } from "node:timers/promises";
import { ApifyClient } from "apify-client";
import { defineCommand } from "citty";
import type { SandboxOptions } from "../../sandbox/sandbox.ts";
import type { Item } from "../crawl/run-storage.ts";
import { InvalidInputError } from "../errors.ts";
import { compareInstagram } from "./compare-instagram.ts";
import { type Comparison, compareWithTruth, DEFAULT_LISTINGS, type ReadItems } from "./compare-truth.ts";
import { type DemoServer, startDemoServer } from "./demo-server.ts";
import { print, printLine } from "./print.ts";
import { count, formatDuration, formatProgress, isOver, type RunAnswer } from "./run-format.ts";
import { startSandboxWorld } from "./sandbox-process.ts";
import { formatTable } from "./table.ts";

/** Two client ids, two proxies, and a site with a bad day. */
function worldOf(subreddits: number): SandboxOptions {
  return {
    port: 0,
    seed: 25,
    subreddits: subreddits * 2,
    users: subreddits * 40,
    postsPerSubreddit: 150,
    faults: [
      { kind: "status", status: 503, rate: 0.04 },
      { kind: "status", status: 429, rate: 0.02, retry_after_secs: 1 },
      { kind: "truncated_json", rate: 0.03 },
      { kind: "html_instead_of_json", rate: 0.02 },
      { kind: "reset", rate: 0.02 },
      { kind: "empty_body", rate: 0.01 },
      { kind: "revoke_token", rate: 1, times: 1, match: "/hot" },
    ],
  };
}

const CREATORS = 20;
const MAX_SUBREDDITS = 2_000;
const SHOWN_DIFFERENCES = 5;
const SHOWN_LOG_LINES = 10;

export const demo = defineCommand({
  meta: {
    name: "demo",
    description:
      "Start a server and a stand-in world with faults, launch, abort and resurrect runs, compare all with the truth",
  },
  args: {
    subreddits: { type: "string", description: "how many", default: "25" },
  },
  async run({ args }) {
    const subreddits = Number(args.subreddits);
    if (!Number.isInteger(subreddits) || subreddits < 1 || subreddits > MAX_SUBREDDITS) {
      throw new InvalidInputError(
        `--subreddits: expected a whole number from 1 to ${MAX_SUBREDDITS}, got ${JSON.stringify(args.subreddits)}`,
      );
    }
    printLine(
      "\nStarting a stand-in world (two client ids, two proxies, one answer in eight broken, a token revoked),",
    );
    printLine("a server with a worker, and a database of its own …");
    const world = await startSandboxWorld(worldOf(subreddits));
    try {
      const server = await startDemoServer(world.env);
      try {
        printLine(`  API ${server.url}, world ${world.url}`);
        process.exitCode = (await crawlAndCompare(server, world.url, subreddits)) ? 0 : 1;
      } finally {
        await server.close();
      }
    } finally {
      await world.leave();
    }
  },
});

/** A run to launch, and how what it found compares with the truth. */
interface Part {
  actor: string;
  input: object;
  what: string;
  compare(read: ReadItems): Promise<Comparison[]>;
}

/** Reddit in two runs, Instagram in one. */
async function partsOf(worldUrl: string, subreddits: number): Promise<Part[]> {
  const names = await readNames(`${worldUrl}/_sandbox/truth?count=${subreddits}`);
  const half = Math.ceil(names.length / 2);
  const reddit = [names.slice(0, half), names.slice(half)].filter((some) => some.length > 0);
  const creators = await readNames(`${worldUrl}/_sandbox/truth/instagram?count=${CREATORS}`);
  const lists = { posts: 24, reels: 36, related: true };
  return [
    ...reddit.map((some) => ({
      actor: "reddit",
      input: { subreddits: some, discover: true },
      what: `${some.length} subreddits`,
      compare: (read: ReadItems) =>
        compareWithTruth(worldUrl, read, { names: some, listings: DEFAULT_LISTINGS, isWhole: true }),
    })),
    {
      actor: "instagram",
      input: { usernames: creators, ...lists },
      what: `${creators.length} creators`,
      compare: (read) => compareInstagram(worldUrl, read, { creators, ...lists }),
    },
  ];
}

async function readNames(url: string): Promise<string[]> {
  return ((await (await fetch(url)).json()) as { names: string[] }).names;
}

/** @returns true when everything is as it must be */
async function crawlAndCompare(server: DemoServer, worldUrl: string, subreddits: number): Promise<boolean> {
  const client = new ApifyClient({ baseUrl: server.url, token: server.token });
  const parts = await partsOf(worldUrl, subreddits);
  printLine(`\nLaunching ${parts.length} runs over HTTP:`);
  const ids: string[] = [];
  for (const { actor, input, what } of parts) {
    const { id } = await client.actor(actor).start(input);
    printLine(`  ${id}  ${actor}, ${what}`);
    ids.push(id);
  }
  await abortAndResurrect(client, ids[0]!);
  const runs = await Promise.all(ids.map((id) => waitFor(client, id, isOver)));
  for (const run of runs) {
    printLine(`  ${describe(run)}`);
    if (run.status !== "SUCCEEDED") await printLogEnd(client, run.id);
  }

  await printStatistics(server);
  printLine("\nComparing every field with the ground truth:");
  let isRight = runs.every(({ status }) => status === "SUCCEEDED");
  for (const [index, part] of parts.entries()) {
    for (const comparison of await part.compare(readerOf(client, runs[index]!)))
      isRight = report(ids[index]!, comparison) && isRight;
  }
  printLine(
    isRight
      ? "\nAll runs equal the ground truth, field by field.\n"
      : "\nThe runs DIFFER from the ground truth.\n",
  );
  return isRight;
}

/** In the middle of its work, if it is not too quick for that. */
async function abortAndResurrect(client: ApifyClient, id: string): Promise<void> {
  const isUnderWay = (run: RunAnswer) => isOver(run) || (run.progress?.requestsFinished ?? 0) > 0;
  const before = await waitFor(client, id, isUnderWay);
  if (isOver(before)) return printLine(`  ${id} was too quick to be aborted`);
  const at = performance.now();
  await client.run(id).abort({ gracefully: true });
  const aborted = await waitFor(client, id, isOver);
  const secs = ((performance.now() - at) / 1000).toFixed(1);
  printLine(`  ${id}  aborted in ${secs} s: ${aborted.status}, ${formatProgress(aborted)}`);
  await client.run(id).resurrect();
  printLine(`  ${id}  resurrected: it goes on where it stopped`);
}

async function waitFor(
  client: ApifyClient,
  id: string,
  isIt: (run: RunAnswer) => boolean,
): Promise<RunAnswer> {
  for (;;) {
    const run = (await client.run(id).get()) as RunAnswer;
    if (isIt(run)) return run;
    await sleep(200);
  }
}

function describe(run: RunAnswer): string {
  const { id, status, statusMessage, attempt } = run;
  const how = formatProgress(run) || statusMessage;
  return `${id}  ${status} in ${formatDuration(run)}, attempt ${attempt}: ${how}`;
}

async function printLogEnd(client: ApifyClient, id: string): Promise<void> {
  const lines = ((await client.log(id).get()) ?? "").trimEnd().split("\n");
  for (const line of lines.slice(-SHOWN_LOG_LINES)) printLine(`    ${line}`);
}

function readerOf(client: ApifyClient, { storageIds }: RunAnswer): ReadItems {
  return async function* (dataset) {
    yield* client.dataset<Item>(storageIds!.datasets[dataset]!).listItems({ chunkSize: 1000 });
  };
}

async function printStatistics({ url, token }: DemoServer): Promise<void> {
  const response = await fetch(`${url}/api/stats`, { headers: { authorization: `Bearer ${token}` } });
  const { tables } = (await response.json()) as { tables: { name: string; rows: number | null }[] };
  printLine("\nThe database has:");
  // Of a table that nobody has counted or analysed yet it is not known.
  const rows = tables.flatMap(({ name, rows: n }) => (n === null || n === 0 ? [] : [[name, count(n)]]));
  print(
    formatTable(
      ["  table", "rows"],
      rows.map(([name, n]) => [`  ${name}`, n!]),
    ),
  );
}

function report(runId: string, { dataset, expected, found, differences }: Comparison): boolean {
  const verdict = differences.length === 0 ? "equal in every field" : `${differences.length} DIFFERENCES`;
  printLine(`  ${runId}  ${dataset}: ${found} found, ${expected} in the ground truth, ${verdict}`);
  for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) printLine(`    ${difference}`);
  if (differences.length > SHOWN_DIFFERENCES)
    printLine(`    … and ${differences.length - SHOWN_DIFFERENCES} more`);
  return differences.length === 0;
}
