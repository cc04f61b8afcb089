import { type ChildProcess, spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { ChildResult, FromChild, RunOrder, ToChild } from "./child-messages.ts";
import { readProcessTrees } from "./process-tree.ts";

const CHILD = path.resolve(import.meta.dirname, "child.ts");
/** Of a run's memory: the rest is buffers, code, and what V8 needs beside its heap. */
const HEAP_SHARE = 0.75;
const OUTPUT_GRACE_MS = 2_000;

/** How the process of a run has ended. */
export interface Exit {
  /** 128 + number of the signal, as shells say it, when a signal ended it. */
  code: number;
  signal: NodeJS.Signals | null;
  /** What it said last; `null` when it did not come to that. */
  result: ChildResult | null;
}

export interface RunProcessOptions {
  order: RunOrder;
  memoryMbytes: number;
  onLine: (line: string) => void;
  onProgress: (progress: Record<string, unknown>) => void;
}

/** The process of one attempt, leader of its own process group and session. */
export class RunProcess {
  readonly pid: number | undefined;
  /** When it and its output have ended. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;

  constructor({ order, memoryMbytes, onLine, onProgress }: RunProcessOptions) {
    const heap = Math.max(64, Math.floor(memoryMbytes * HEAP_SHARE));
    this.#child = spawn(process.execPath, [`--max-old-space-size=${heap}`, CHILD], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    });
    this.pid = this.#child.pid;
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      createInterface({ input: stream, crlfDelay: Infinity }).on("line", onLine);
    this.exited = this.#watch(onLine, onProgress);
    this.#send({ type: "run", order });
  }

  /** Asks it to end gracefully: what is in flight finishes. */
  stop(reason: string): void {
    this.#send({ type: "stop", reason });
  }

  /** Ends it and all that it has started, at once. */
  kill(): void {
    if (this.pid === undefined) return;
    // A browser leads a group of its own.
    for (const pid of [-this.pid, ...readProcessTrees([this.pid]).get(this.pid)!.pids]) killIfThere(pid);
  }

  /** While the database is away its log waits in the pipe. */
  pauseOutput(isPaused: boolean): void {
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      if (isPaused) stream.pause();
      else stream.resume();
  }

  #watch(onLine: (line: string) => void, onProgress: RunProcessOptions["onProgress"]): Promise<Exit> {
    let result: ChildResult | null = null;
    this.#child.on("message", (message: FromChild) => {
      if (message.type === "progress") onProgress(message.progress);
      else result = { status: message.status, message: message.message };
    });
    return new Promise((resolve) => {
      this.#child.on("error", (error) => {
        onLine(`the process of the run: ${error.message}`);
        if (this.pid === undefined) resolve({ code: 1, signal: null, result });
      });
      this.#child.once("exit", () => {
        // What it has started and left behind goes, too, or may hold its output open.
        killIfThere(-this.pid!);
        setTimeout(() => this.#closeOutput(), OUTPUT_GRACE_MS);
      });
      this.#child.once("close", (code, signal) => {
        const signalled = signal ? 128 + os.constants.signals[signal] : 1;
        resolve({ code: code ?? signalled, signal, result });
      });
    });
  }

  #closeOutput(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }

  #send(message: ToChild): void {
    // One that has just ended is no error: `exited` tells.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
