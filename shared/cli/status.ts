import { defineCommand } from "citty";
import { oneLine } from "../printable.ts";
import { ApiError, API_ARGS, type Api, withApi } from "./api.ts";
import { print, printJson } from "./print.ts";
import { count } from "./run-format.ts";
import { formatTable, terminalWidth } from "./table.ts";

interface Dashboard {
  runs: Record<string, number>;
  throughput: { requests_per_minute: number; items_per_minute: number };
  success_24h: { finished: number; succeeded: number };
  queue: { ready_runs: number; pending_requests: number };
  cost: { today_usd: number; projected_month_usd: number };
  open_alerts: number;
}

interface Ready {
  status: string;
  checks: Record<string, { ok: boolean; detail?: string; latency_ms: number }>;
}

interface Scraper {
  scraper: string;
  desired: string;
  actual: string;
  current_run: { id: string } | null;
  next_start_at: string | null;
  heartbeat_age_secs: number | null;
}

export const status = defineCommand({
  meta: { name: "status", description: "How the server is; exit code 1 when it is not ready" },
  args: API_ARGS,
  run: ({ args }) =>
    withApi(args, async (api) => {
      const ready = await read<Ready>(api, "/ready", 503);
      const dashboard = await read<Dashboard>(api, "/api/stats/dashboard");
      const { scrapers } = await read<{ scrapers: Scraper[] }>(api, "/api/scraper/status");
      if (args.json) printJson({ ready, dashboard, scrapers });
      else print(describe(api.url, ready, dashboard, scrapers));
      if (ready.status !== "ready") process.exitCode = 1;
    }),
});

/** @param alsoOk a status whose answer is one as well */
async function read<Answer>(api: Api, path: string, alsoOk?: number): Promise<Answer> {
  const response = await api.fetch(path);
  const answer: unknown = await response.json();
  if (response.ok || response.status === alsoOk) return answer as Answer;
  const { error } = answer as { error?: { message?: string } };
  throw new ApiError(`${api.url}${path}: ${response.status} ${error?.message ?? ""}`);
}

function describe(url: string, ready: Ready, board: Dashboard, scrapers: Scraper[]): string {
  const checks = Object.entries(ready.checks).map(
    ([name, { ok, detail }]) => `${name} ${ok ? "ok" : "FAILS"}${detail ? ` (${detail})` : ""}`,
  );
  const runs = Object.entries(board.runs).map(([name, n]) => `${count(n)} ${name}`);
  const { throughput, success_24h: success, queue, cost } = board;
  const rows: [string, string][] = [
    ["Server", `${url} ${ready.status}: ${checks.join(", ")}`],
    [
      "Runs",
      `${runs.join(", ") || "none under way"}; ${count(success.succeeded)} of ${count(success.finished)} succeeded in 24 h`,
    ],
    [
      "Now",
      `${count(throughput.requests_per_minute)} requests and ${count(throughput.items_per_minute)} items a minute, ${count(queue.pending_requests)} requests queued`,
    ],
    [
      "Cost",
      `${cost.today_usd.toFixed(2)} USD today, ${cost.projected_month_usd.toFixed(2)} this month at this rate`,
    ],
    ["Alerts", count(board.open_alerts)],
  ];
  const lines = rows.map(([title, text]) => `${title.padEnd(6)}  ${oneLine(text)}\n`).join("");
  const table = scrapers.map((one) => [
    one.scraper,
    one.desired,
    one.actual,
    one.current_run?.id ?? "–",
    one.next_start_at?.slice(0, 19).replace("T", " ") ?? "–",
  ]);
  const head = ["scraper", "desired", "actual", "run", "next start (UTC)"];
  return `${lines}\n${formatTable(head, table, { left: [1, 2, 3, 4], maxWidth: terminalWidth() })}`;
}
