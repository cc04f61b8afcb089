import { setTimeout as sleep } from "node:timers/promises";
import { ApifyClient } from "apify-client";
import { startDemoServer } from "../shared/cli/demo-server.ts";
import { startSandboxWorld } from "../shared/cli/sandbox-process.ts";
import { formatTable } from "../shared/cli/table.ts";
import { reportGoal } from "./goals.ts";

const ROUNDS = 5;
const POLL_MS = 20;

/** Seconds from asking over HTTP until the run's status says so. @returns whether all goals are met */
export async function benchLaunch(): Promise<boolean> {
  const world = await startSandboxWorld({
    port: 0,
    subreddits: 300,
    // So slow that no run ends by itself while it is measured.
    faults: [{ kind: "slow_headers", rate: 1, delay_ms: 3_000 }],
  });
  try {
    const server = await startDemoServer({ ...world.env, WORKERS: "2" });
    try {
      const client = new ApifyClient({ baseUrl: server.url, token: server.token });
      const names = await readNames(world.url);
      const start = () => client.actor("reddit").start({ subreddits: names });
      const launches: number[] = [];
      const graceful: number[] = [];
      const kills: number[] = [];
      const ready: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        for (const [times, gracefully] of [
          [graceful, true],
          [kills, false],
        ] as const) {
          const { id } = await start();
          launches.push(await secsUntil(client, id, "RUNNING"));
          // In the middle of its requests.
          await sleep(4_000);
          await client.run(id).abort({ gracefully });
          times.push(await secsUntil(client, id, "ABORTED"));
        }
      }
      // Both slots are taken, so that the third run waits.
      const blockers = [await start(), await start()];
      for (const { id } of blockers) await secsUntil(client, id, "RUNNING");
      for (let round = 0; round < ROUNDS; round++) {
        const { id } = await start();
        await client.run(id).abort();
        ready.push(await secsUntil(client, id, "ABORTED"));
      }
      for (const { id } of blockers) await client.run(id).abort();
      const rows = Object.entries({
        "launch to RUNNING": launches,
        "abort, gracefully": graceful,
        "abort at once": kills,
        "abort of a READY run": ready,
      }).map(([what, times]) => [what, median(times).toFixed(2), Math.max(...times).toFixed(2)]);
      process.stdout.write(`${formatTable(["", "median s", "longest s"], rows)}\n`);
      return [
        reportGoal("launch to RUNNING within 1 s", Math.max(...launches) <= 1),
        reportGoal("graceful abort within 30 s", Math.max(...graceful) <= 30),
        reportGoal("abort at once within 2 s", Math.max(...kills) <= 2),
        reportGoal("abort of a READY run within 2 s", Math.max(...ready) <= 2),
      ].every(Boolean);
    } finally {
      await server.close();
    }
  } finally {
    await world.leave();
  }
}

async function secsUntil(client: ApifyClient, id: string, status: string): Promise<number> {
  const at = performance.now();
  for (;;) {
    const run = await client.run(id).get();
    if (run?.status === status) return (performance.now() - at) / 1000;
    if (run?.finishedAt)
      throw new Error(`run ${id}: expected ${status}, got ${run.status}: ${run.statusMessage}`);
    await sleep(POLL_MS);
  }
}

async function readNames(url: string): Promise<string[]> {
  return ((await (await fetch(`${url}/_sandbox/truth?count=100`)).json()) as { names: string[] }).names;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
