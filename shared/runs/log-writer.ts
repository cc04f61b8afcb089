import type { Pool } from "pg";
import type { Logger } from "pino";
import { toDatabaseJson } from "../crawl/postgres/database-json.ts";
import { isPassing } from "../db/retry.ts";
import type { LogLine } from "./log-lines.ts";

const FLUSH_MS = 250;
/** Text that waits for the database; beyond it, processes wait that have more than a share of it. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const SHARE_BYTES = 512 * 1024;

/** Where the next line of a run's log goes. */
export interface LogPosition {
  runId: string;
  attempt: number;
  /** Bytes that the log has. Moves on. */
  offset: number;
}

interface Piece extends LogPosition {
  text: string;
}

/** Brings the logs of a worker's runs into the database, all of them in one statement a quarter of a second. */
export class LogWriter {
  readonly #pool: Pool;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  /** By run: what was not sent yet. */
  readonly #open = new Map<LogPosition, Piece>();
  /** Sent, and perhaps not answered: sent again as it is, which changes nothing that is there. */
  #sent: Piece[] = [];
  #systemLogs: object[] = [];
  #waitingBytes = 0;
  #flushing: Promise<boolean> | null = null;

  constructor(pool: Pool, log: Logger) {
    this.#pool = pool;
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** The run is to wait with its output: too much waits, and much of it is its own. Others are not held up by it. */
  isFullFor({ runId }: Pick<LogPosition, "runId">): boolean {
    if (this.#waitingBytes <= MAX_WAITING_BYTES) return false;
    const own = [...this.#sent, ...this.#open.values()].filter((piece) => piece.runId === runId);
    return own.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) > SHARE_BYTES;
  }

  append(position: LogPosition, text: string): void {
    const piece = this.#open.get(position) ?? { ...position, text: "" };
    piece.text += text;
    this.#open.set(position, piece);
    const bytes = Buffer.byteLength(text);
    position.offset += bytes;
    this.#waitingBytes += bytes;
  }

  /** For everybody: a warning or error of a run, or of the worker. */
  appendSystemLog(source: string, runId: string | null, { at, level, message, context }: LogLine): void {
    this.#systemLogs.push({ at: at.toISOString(), source, level, run_id: runId, message, context });
  }

  /** What has come by now is stored when this resolves to true. */
  async flush(): Promise<boolean> {
    // What is being sent does not hold what has come since.
    while (this.#flushing) await this.#flushing;
    if (this.#open.size === 0 && this.#sent.length === 0 && this.#systemLogs.length === 0) return true;
    this.#flushing = this.#flush();
    try {
      return await this.#flushing;
    } finally {
      this.#flushing = null;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #flush(): Promise<boolean> {
    this.#sent.push(...this.#open.values());
    this.#open.clear();
    const [pieces, systemLogs] = [this.#sent, this.#systemLogs];
    this.#systemLogs = [];
    try {
      if (pieces.length > 0)
        await this.#pool.query("select append_run_logs($1)", [toDatabaseJson(pieces, "run log")]);
      this.#sent = [];
      this.#waitingBytes = [...this.#open.values()].reduce(
        (sum, { text }) => sum + Buffer.byteLength(text),
        0,
      );
      if (systemLogs.length > 0)
        await this.#pool.query("select write_logs($1)", [toDatabaseJson(systemLogs, "system log")]);
      return true;
    } catch (err) {
      if (isPassing(err)) this.#systemLogs.unshift(...systemLogs);
      // Not the database's absence: nothing would change with the next try.
      else {
        this.#log.error({ err }, "lines of run logs could not be stored");
        this.#sent = [];
      }
      return false;
    }
  }
}
