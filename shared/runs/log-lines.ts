import { toJson } from "../crawl/local/json.ts";
import { redact } from "../redact.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** One line of a run's log. */
export interface LogLine {
  at: Date;
  level: LogLevel;
  message: string;
  /** Fields beside the message. */
  context: Record<string, unknown> | null;
}

const LEVELS: ReadonlySet<unknown> = new Set(["trace", "debug", "info", "warn", "error", "fatal"]);

/** Fields nested deeper are nobody's log, and more than a database takes. */
const MAX_DEPTH = 32;
/** Of one line of the log, whose text may have line feeds. */
const MAX_LINES = 500;
const FIRST_TIME = Date.UTC(2000);
const DAY_MS = 24 * 60 * 60 * 1000;

/** What a run's process wrote: a line of its log, in JSON, or anything else, as the trace of a crash. */
export function readLine(text: string, now: Date): LogLine {
  const record = parseRecord(text);
  if (!record) return { at: now, level: "info", message: redact(text), context: null };
  const { time, level, msg = "", ...context } = record;
  return {
    at: readTime(time, now),
    level: level as LogLevel,
    message: typeof msg === "string" ? msg : JSON.stringify(msg),
    context: Object.keys(context).length > 0 ? context : null,
  };
}

/** `2026-01-31T12:00:00.000Z INFO  message {"field":1}`: each line of text begins with the time. */
export function formatLine({ at, level, message, context }: LogLine): string {
  const head = `${at.toISOString()} ${level.toUpperCase().padEnd(5)} `;
  const { err, ...fields } = context ?? {};
  const given = (err as { stack?: unknown } | null | undefined)?.stack;
  const stack = typeof given === "string" ? given : undefined;
  const rest = stack === undefined ? context : fields;
  const text = [
    rest && Object.keys(rest).length > 0 ? `${message} ${JSON.stringify(rest)}` : message,
    ...(stack === undefined ? [] : [stack]),
  ].join("\n");
  // Replaced later, what Postgres cannot store would shift the offsets of what follows.
  const lines = toStorable(text).split(/\r?\n/);
  const more = lines.length - MAX_LINES;
  const shown =
    more > 0 ? [...lines.slice(0, MAX_LINES), `… ${more.toLocaleString("en")} lines left out`] : lines;
  return shown.map((line) => `${head}${line}\n`).join("");
}

/** Text as Postgres takes it: NUL and lone surrogates become U+FFFD. */
export function toStorable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

/** Of the program's log; what cannot be the time of a line counts as told now. */
function readTime(time: unknown, now: Date): Date {
  const at = new Date(typeof time === "string" ? time : NaN);
  return at.getTime() >= FIRST_TIME && at.getTime() <= now.getTime() + DAY_MS ? at : now;
}

/** `null` for somebody's own output that looks like a line of the log, or bends what a line may hold. */
function parseRecord(text: string): Record<string, unknown> | null {
  if (!text.startsWith('{"level":')) return null;
  try {
    const record = JSON.parse(text) as Record<string, unknown>;
    if (!LEVELS.has(record["level"]) || !isShallow(record, MAX_DEPTH)) return null;
    toJson(record, "line");
    return record;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((part) => isShallow(part, depth - 1));
}
