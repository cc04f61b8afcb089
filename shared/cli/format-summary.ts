import { formatSecs } from "../crawl/progress.ts";
import { oneLine } from "../printable.ts";
import { formatTable } from "./table.ts";
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
    ...(summary.costUsd > 0 ? [["Cost", `${summary.costUsd} USD`] satisfies [string, string]] : []),
    ["Failures", list(summary.failures, (reason, n) => `${reason} ${count(n)}`)],
    [
      "Results in",
      summary.runId === null ? `${storageDir}/datasets` : describeRun(summary.runId, summary.items),
    ],
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  return `\n${rows.map(([title, text]) => `  ${title.padEnd(width)}  ${oneLine(text)}`).join("\n")}\n\n${formatSubjects(summary.subjects)}\n`;
}

function describeRun(runId: string, items: RunSummary["items"]): string {
  const dataset = Object.keys(items).find((name) => name !== "failed_requests") ?? "<dataset>";
  return `run ${runId} of the database; ./b9 export ${dataset} --db --run ${runId}`;
}

const SHOWN_SUBJECTS = 30;

/** A row a subject: its requests, what the actor counts, and what failed. */
function formatSubjects(subjects: RunSummary["subjects"]): string {
  const entries = Object.entries(subjects).sort(([a], [b]) => a.localeCompare(b));
  if (entries.length === 0) return "";
  const names = [...new Set(entries.flatMap(([, { counts }]) => Object.keys(counts)))];
  const rows = entries
    .slice(0, SHOWN_SUBJECTS)
    .map(([subject, { requests, counts, failures }]) => [
      subject,
      count(requests),
      ...names.map((name) => count(counts[name] ?? 0)),
      Object.keys(failures).length ? list(failures, (reason, n) => `${reason} ${n}`) : "",
    ]);
  const rest =
    entries.length > rows.length ? `… and ${entries.length - rows.length} more in OUTPUT.json\n` : "";
  return indent(formatTable(["", "requests", ...names, "failed"], rows) + rest);
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

function list(counts: Record<string, number>, format: (name: string, n: number) => string): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.map(([name, n]) => format(name, n)).join(", ") || "none";
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}
