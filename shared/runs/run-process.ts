import { type ChildProcess, spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { childEnvironment } from "../child-environment.ts";
import { type ChildResult, readFromChild, type RunOrder, type ToChild } from "./child-messages.ts";
import { OutputLines, OutputQuota } from "./output-lines.ts";
import { MARK_VARIABLE, type ProcessRoot } from "./process-tree.ts";
import { RunGroup } from "./run-group.ts";

const CHILD = path.resolve(import.meta.dirname, "child.ts");
/** Of a run's memory: the rest is buffers, code, and what V8 needs beside its heap. */
const HEAP_SHARE = 0.75;
const OUTPUT_GRACE_MS = 2_000;
/** What is read of a process's output within so much time; the rest waits in the pipe, and the process with it. */
const READ_SPAN_MS = 50;
const MAX_READ_BYTES = 4 * 1024 * 1024;
const MAX_LOG_BYTES = 64 * 1024 * 1024;

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
  /** Of its output; what is more is left out, and counted. @default 64 MB */
  maxLogBytes?: number;
  onLine: (line: string) => void;
  onProgress: (progress: Record<string, unknown>) => void;
}

/** The process of one attempt, leader of its own process group and session. */
export class RunProcess {
  readonly pid: number | undefined;
  /** When it and its output have ended. */
  readonly exited: Promise<Exit>;
  readonly #group: RunGroup;
  readonly #child: ChildProcess;
  readonly #outputs: Output[];

  constructor({ order, memoryMbytes, maxLogBytes, onLine, onProgress }: RunProcessOptions) {
    const heap = Math.max(64, Math.floor(memoryMbytes * HEAP_SHARE));
    this.#group = new RunGroup(order);
    const { mark, killArguments } = this.#group;
    this.#child = spawn(process.execPath, [`--max-old-space-size=${heap}`, CHILD, ...killArguments], {
      detached: true,
      env: childEnvironment({ [MARK_VARIABLE]: mark }),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      serialization: "advanced",
    });
    this.pid = this.#child.pid;
    this.#group.adopt(this.pid);
    const quota = new OutputQuota({ maxBytes: maxLogBytes ?? MAX_LOG_BYTES });
    this.#outputs = [this.#child.stdout!, this.#child.stderr!].map(
      (stream) => new Output(stream, new OutputLines(quota, onLine)),
    );
    this.exited = this.#watch(onLine, onProgress);
    this.#send({ type: "run", order });
  }

  /** Asks it to end gracefully: what is in flight finishes. */
  stop(reason: string): void {
    this.#send({ type: "stop", reason });
  }

  /** Ends it and all that it has started, at once. */
  kill(): void {
    this.#group.kill();
  }

  /** Where its processes are found; `null` when it could not be started. */
  get root(): ProcessRoot | null {
    return this.#group.root;
  }

  /** While the database is away its log waits in the pipe. */
  pauseOutput(isPaused: boolean): void {
    for (const output of this.#outputs) output.pause(isPaused);
  }

  #watch(onLine: (line: string) => void, onProgress: RunProcessOptions["onProgress"]): Promise<Exit> {
    let result: ChildResult | null = null;
    this.#child.on("message", (raw: unknown) => {
      const message = readFromChild(raw);
      if (message?.type === "progress") onProgress(message.progress);
      else if (message) result = { status: message.status, message: message.message };
    });
    return new Promise((resolve) => {
      this.#child.on("error", (error) => {
        onLine(`the process of the run: ${error.message}`);
        if (this.pid !== undefined) return;
        this.#group.close();
        resolve({ code: 1, signal: null, result });
      });
      this.#child.once("exit", () => {
        // What it has started and left behind goes, too, or may hold its output open.
        this.#group.close();
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

/** Reads one of a process's streams, not faster than this process can bear. */
class Output {
  readonly #stream: Readable;
  #isPaused = false;
  #isAhead = false;
  #read = 0;
  #spanFrom = -Infinity;

  constructor(stream: Readable, lines: OutputLines) {
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => {
      lines.write(chunk);
      this.#pace(chunk.length);
    });
    stream.once("close", () => lines.end());
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#flow();
  }

  #pace(bytes: number): void {
    const now = performance.now();
    if (now - this.#spanFrom >= READ_SPAN_MS) [this.#spanFrom, this.#read] = [now, 0];
    this.#read += bytes;
    if (this.#read < MAX_READ_BYTES || this.#isAhead) return;
    this.#isAhead = true;
    this.#flow();
    setTimeout(() => {
      this.#isAhead = false;
      this.#flow();
    }, READ_SPAN_MS);
  }

  #flow(): void {
    if (this.#isPaused || this.#isAhead) this.#stream.pause();
    else this.#stream.resume();
  }
}
