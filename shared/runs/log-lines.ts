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

/** What a run's process wrote: a line of its log, in JSON, or anything else, as the trace of a crash. */
export function readLine(text: string, now: Date): LogLine {
  const record = parseRecord(text);
  if (!record) return { at: now, level: "info", message: redact(text), context: null };
  const { time, level, msg, ...context } = record;
  const at = new Date(String(time));
  return {
    at: Number.isNaN(at.getTime()) ? now : at,
    level: level as LogLevel,
    message: String(msg ?? ""),
    context: Object.keys(context).length > 0 ? context : null,
  };
}

/** `2026-01-31T12:00:00.000Z INFO  message {"field":1}`: each line of text begins with the time. */
export function formatLine({ at, level, message, context }: LogLine): string {
  const head = `${at.toISOString()} ${level.toUpperCase().padEnd(5)} `;
  const { err, ...fields } = context ?? {};
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  const rest = stack === undefined ? context : fields;
  const text = [
    rest && Object.keys(rest).length > 0 ? `${message} ${JSON.stringify(rest)}` : message,
    ...(stack === undefined ? [] : [String(stack)]),
  ].join("\n");
  // Replaced later, what Postgres cannot store would shift the offsets of what follows.
  const lines = toStorable(text).split(/\r?\n/);
  return lines.map((line) => `${head}${line}\n`).join("");
}

/** Text as Postgres takes it: NUL and lone surrogates become U+FFFD. */
export function toStorable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

function parseRecord(text: string): Record<string, unknown> | null {
  if (!text.startsWith('{"level":')) return null;
  try {
    const record = JSON.parse(text) as Record<string, unknown>;
    return LEVELS.has(record["level"]) ? record : null;
  } catch (error) {
    // Somebody's own output that looks like a line of the log.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
