// The thread that checks large bodies: takes work, answers with its result.
import { parentPort } from "node:worker_threads";
import { InvalidRunInputError } from "../shared/runs/run.ts";
import type { JsonWorkResult } from "./json-thread.ts";
import { doJsonWork, type JsonWork } from "./json-work.ts";

parentPort!.on("message", ({ id, work }: { id: number; work: JsonWork }) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  void answer(id, work).then((result) => parentPort!.postMessage(result));
});

async function answer(id: number, work: JsonWork): Promise<JsonWorkResult> {
  try {
    return { id, json: await doJsonWork(work) };
  } catch (error) {
    const { name, message } = error as Error;
    return {
      id,
      error: { name, message, ...(error instanceof InvalidRunInputError && { issues: error.issues }) },
    };
  }
}
