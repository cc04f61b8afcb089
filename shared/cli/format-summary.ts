import { formatSecs } from "../crawl/progress.ts";
import type { RunSummary } from "../crawl/summary.ts";

/** A run's summary for a person. */
export function formatSummary(summary: RunSummary, storageDir: string): string {
  const { status, statusMessage, durationSecs, requestsPending, requestsSent, waitedSecs, outcomes } =
    summary;
  const rows: [string, string][] = [
    ["Result", `${status}: ${statusMessage}`],
    [
      "Time",
      `${formatSecs(durationSecs)}, of which ${formatSecs(waitedSecs)} waiting for a budget or identity`,
    ],
    ["Collected", list(summary.items, (name, n) => `${count(n)} ${name}`)],
    [
      "Requests",
      `${count(summary.requestsFinished)} done, ${count(summary.requestsFailed)} failed, ${count(requestsPending)} still queued`,
    ],
    [
      "Sent",
      `${count(requestsSent)} now (${list(summary.requestsByLabel, (label, n) => `${label} ${count(n)}`)})`,
    ],
    ["Answers", list(outcomes, (outcome, n) => `${outcome} ${count(n)}`)],
    [
      "Budgets",
      summary.budgets
        .map(
          ({ name, sent, left }) =>
            `${name} ${count(sent)} sent${left === null ? "" : `, ${count(left)} left`}`,
        )
        .join("; "),
    ],
    ["429s", `${count(outcomes.throttled ?? 0)} of ${count(requestsSent)} requests`],
    ["Failures", list(summary.failures, (reason, n) => `${reason} ${count(n)}`)],
    ["Results in", `${storageDir}/datasets`],
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  return `\n${rows.map(([title, text]) => `  ${title.padEnd(width)}  ${text}`).join("\n")}\n\n`;
}

function list(counts: Record<string, number>, format: (name: string, n: number) => string): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.map(([name, n]) => format(name, n)).join(", ") || "none";
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}
