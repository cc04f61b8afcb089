// The process of one attempt of a run: started by a worker, which tells it over IPC what to do and when to stop, and
// reads its log from stderr. Ends at once when its worker is gone: another one will have the run.
import path from "node:path";
import { Worker as Thread } from "node:worker_threads";
import type { ActorDefinition } from "../crawl/define-actor.ts";
import { runOnDatabase } from "../crawl/run-on-database.ts";
import { LostRunError } from "../crawl/run-storage.ts";
import { createLogger } from "../log.ts";
import { surviveOutput } from "../output.ts";
import type { ChildResult, FromChild, RunOrder, ToChild } from "./child-messages.ts";
import { killOwnGroup } from "./run-group.ts";

/** Of what the worker is told: the log has the whole of it. */
const MAX_MESSAGE = 10_000;

surviveOutput({ isPrinter: false });
const stop = new AbortController();
const [, , mark = "", killFile = ""] = process.argv;

// Its worker is gone, and nobody else ends what this process has started.
process.on("disconnect", () => {
  killOwnGroup(mark, killFile);
  process.exit(1);
});
// A handler that never gives its thread back would not hear of that.
const ORPHAN_CHECK = `setInterval(() => {
  if (process.ppid === ${process.ppid}) return;
  try { require("node:fs").writeFileSync(${JSON.stringify(killFile)}, "1"); } catch {}
  process.kill(-${process.pid}, "SIGKILL");
}, 2_000)`;
new Thread(ORPHAN_CHECK, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } }).unref();
// The channel is ours: what a library writes to a parent that it guesses at would be taken for a message.
const sendToWorker = process.send!.bind(process);
process.send = () => false;
process.on("message", (message: ToChild) => {
  if (message.type === "stop") stop.abort(message.reason);
  else void run(message.order);
});

async function run(order: RunOrder): Promise<void> {
  const log = createLogger({ level: order.config.logLevel, pretty: false });
  const { actor } = (await import(path.join(order.actorFolder, "main.ts"))) as { actor: ActorDefinition };
  let result: ChildResult;
  try {
    const { summary } = await runOnDatabase(actor, {
      ...order,
      ...(order.maxItems === null ? { maxItems: Infinity } : { maxItems: order.maxItems }),
      log,
      signal: stop.signal,
      onProgress: (progress) => send({ type: "progress", progress: { ...progress } }),
    });
    result = { status: summary!.status, message: summary!.statusMessage };
  } catch (error) {
    if (error instanceof LostRunError) process.exit(1);
    log.error({ err: error }, "the crawl ended by an error");
    result = { status: "FAILED", message: (error as Error).message.slice(0, MAX_MESSAGE) };
  }
  await send({ type: "result", ...result });
  process.exit(result.status === "FAILED" ? 1 : 0);
}

/** Resolves when the message is on its way. */
function send(message: FromChild): Promise<void> {
  return new Promise((resolve) => sendToWorker(message, undefined, undefined, () => resolve()));
}
