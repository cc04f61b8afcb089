import type { Config } from "../config.ts";
import type { ActorManifest } from "./actors.ts";
import { AttemptUsage } from "./attempt-usage.ts";
import { formatLine, type LogLevel, type LogLine, readLine } from "./log-lines.ts";
import type { LogPosition, LogWriter } from "./log-writer.ts";
import type { ProcessRoot, ProcessTree } from "./process-tree.ts";
import { type Exit, RunProcess } from "./run-process.ts";

/** A run that this worker has. */
export interface LeasedRun {
  id: string;
  actor: string;
  attempt: number;
  input: unknown;
  memoryMbytes: number;
  maxItems: number | null;
  /** Of earlier attempts. */
  stats: Record<string, number>;
  progress: Record<string, unknown>;
  /** Bytes. */
  logSize: number;
}

/** Why an attempt is to end. */
export interface Ending {
  /**
   * `asked`: aborted, or out of time, as the row says. `handed-back`: another worker goes on. `cut-off`: the database
   * was out of reach for a lease. `lost`: another attempt has the run. `memory`: it had more than it may.
   */
  kind: "asked" | "handed-back" | "cut-off" | "lost" | "memory";
  reason: string;
}

/** How an attempt ended: what becomes of the run. */
export type Outcome =
  | { kind: "finished"; status: "SUCCEEDED" | "FAILED" | "ABORTED"; message: string; exitCode: number }
  | { kind: "handed-back"; reason: string }
  | { kind: "lost" };

/** A graceful end is over within 30 s of the question: what it takes to hear of it and to write it down aside. */
const GRACE_MS = 25_000;
const MEGABYTE = 1024 * 1024;
/** Warnings and errors of one attempt that go to the log for everybody, too: so many, and one more in so many ms. */
const SYSTEM_LOG_BURST = 100;
const SYSTEM_LOG_MS = 5_000;

/** What a run has no use for. */
const NO_SECRETS_OF_OTHERS = {
  apiToken: undefined,
  httpsKey: undefined,
  alertWebhookUrl: undefined,
  alertWebhookSecret: undefined,
} satisfies Partial<Config>;

export interface AttemptOptions {
  run: LeasedRun;
  actor: ActorManifest;
  config: Config;
  worker: string;
  logWriter: LogWriter;
}

/** One attempt of a run on this worker: its process, its log, and how it is ended. */
export class Attempt {
  readonly run: LeasedRun;
  readonly usage: AttemptUsage;
  /** Its process has ended, and its log is with the writer. */
  readonly ended: Promise<Outcome>;
  readonly #process: RunProcess;
  readonly #logWriter: LogWriter;
  readonly #position: LogPosition;
  #progress: Record<string, unknown>;
  #ending: Ending | null = null;
  #isKilled = false;
  #isOver = false;
  #isHeapFull = false;
  #lastErrorLine: string | null = null;
  readonly #startedAt = performance.now();
  #systemLogLines = 0;
  #grace: NodeJS.Timeout | null = null;

  constructor({ run, actor, config, worker, logWriter }: AttemptOptions) {
    const { id: runId, attempt, input, maxItems, memoryMbytes, logSize } = run;
    this.run = run;
    this.#progress = run.progress;
    this.usage = new AttemptUsage(run.stats, performance.now());
    this.#logWriter = logWriter;
    this.#position = { runId, attempt, offset: logSize };
    this.say("info", `worker ${worker} has taken the run, attempt ${attempt}, up to ${memoryMbytes} MB`);
    const maxConcurrency = Math.min(actor.defaultConcurrency, config.maxConcurrency);
    const settings = { ...config, ...NO_SECRETS_OF_OTHERS, memoryMbytes };
    this.#process = new RunProcess({
      order: { actorFolder: actor.folder, runId, attempt, input, maxItems, maxConcurrency, config: settings },
      memoryMbytes,
      maxLogBytes: Math.max(0, config.runMaxLogMbytes * MEGABYTE - logSize),
      onLine: (text) => this.#keep(readLine(text, new Date())),
      onProgress: (progress) => (this.#progress = progress),
    });
    this.ended = this.#process.exited.then((exit) => this.#conclude(exit));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Where its processes are found; `null` when there is none. */
  get root(): ProcessRoot | null {
    return this.#process.root;
  }

  /** What its row is to show. */
  get told(): { stats: Record<string, number>; progress: Record<string, unknown> } {
    return { stats: this.usage.stats(performance.now()), progress: this.#progress };
  }

  /** Ends it gracefully, by force after 25 s. */
  stop(ending: Ending): void {
    if (this.#ending || this.#isOver) return;
    this.#ending = ending;
    this.say("info", `${ending.reason}: what is in flight finishes`);
    this.#process.stop(ending.reason);
    this.#grace = setTimeout(() => {
      this.kill({ ...ending, reason: `${ending.reason}; it did not end within ${GRACE_MS / 1000} s` });
    }, GRACE_MS);
  }

  /** Ends it at once, also when it is ending already. */
  kill(ending: Ending): void {
    if (this.#isKilled || this.#isOver) return;
    this.#isKilled = true;
    this.#ending = ending;
    this.say("info", `${ending.reason}: killed`);
    this.#process.kill();
  }

  /** What it uses by now; more memory than it may have ends it. */
  sample(tree: ProcessTree): void {
    // It has just ended.
    if (tree.pids.length === 0) return;
    this.usage.sample(tree, performance.now());
    const used = Math.round(tree.memoryBytes / MEGABYTE);
    if (used > this.run.memoryMbytes)
      this.kill({ kind: "memory", reason: `out of memory: ${used} MB of ${this.run.memoryMbytes} MB` });
    this.#process.pauseOutput(this.#logWriter.isFullFor(this.#position));
  }

  /** A line of the worker's in the run's log. */
  say(level: LogLevel, message: string): void {
    this.#keep({ at: new Date(), level, message, context: null }, true);
  }

  #keep(line: LogLine, isOurs = false): void {
    this.#logWriter.append(this.#position, formatLine(line));
    if (line.message.includes("JavaScript heap out of memory")) this.#isHeapFull = true;
    if (/^\w*Error\b.*: /.test(line.message)) this.#lastErrorLine = line.message;
    if (["warn", "error", "fatal"].includes(line.level) && (isOurs || this.#isSystemLogOpen()))
      this.#logWriter.appendSystemLog(this.run.actor, this.run.id, line);
  }

  /** A run that warns a thousand times a second must not drown what others have to say. */
  #isSystemLogOpen(): boolean {
    const allowed = SYSTEM_LOG_BURST + (performance.now() - this.#startedAt) / SYSTEM_LOG_MS;
    if (this.#systemLogLines >= allowed) return false;
    this.#systemLogLines++;
    return true;
  }

  #conclude(exit: Exit): Outcome {
    this.#isOver = true;
    if (this.#grace) clearTimeout(this.#grace);
    const outcome = this.#judge(exit);
    if (outcome.kind === "finished")
      this.say(outcome.status === "FAILED" ? "error" : "info", `${outcome.status}: ${outcome.message}`);
    else if (outcome.kind === "handed-back") this.say("warn", `left to another attempt: ${outcome.reason}`);
    return outcome;
  }

  #judge({ code: exitCode, signal, result }: Exit): Outcome {
    const { kind, reason = "" } = this.#ending ?? {};
    if (kind === "lost") return { kind };
    if (kind === "memory") return { kind: "finished", status: "FAILED", message: reason, exitCode };
    if (kind === "asked") return { kind: "finished", status: "ABORTED", message: reason, exitCode };
    if (kind && result?.status !== "SUCCEEDED") return { kind: "handed-back", reason };
    // ABORTED by nobody: at a limit of its own, and so it has done what it was to do.
    const status = result?.status === "FAILED" ? "FAILED" : "SUCCEEDED";
    if (result) return { kind: "finished", status, message: result.message, exitCode };
    return { kind: "finished", status: "FAILED", message: this.#describeCrash(exitCode, signal), exitCode };
  }

  #describeCrash(code: number, signal: NodeJS.Signals | null): string {
    if (this.#isHeapFull)
      return `out of memory: JavaScript's part of its ${this.run.memoryMbytes} MB was full`;
    if (signal === "SIGKILL")
      return "its process was killed by SIGKILL: by somebody, or by the system for memory";
    if (signal) return `its process was ended by ${signal}`;
    const last = this.#lastErrorLine === null ? "" : `: ${this.#lastErrorLine}`;
    return `its process ended with exit code ${code}${last}`;
  }
}
