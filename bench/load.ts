import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { json } from "node:stream/consumers";
import autocannon from "autocannon";

export interface LoadOptions {
  url: string;
  headers?: Record<string, string>;
  /** Requests a second. */
  rate: number;
  secs: number;
  /** The status that every answer must have. @default 200 */
  expected?: number;
}

export interface Load {
  requestsPerSec: number;
  /** Of the time from when a request was due until its answer was read, in ms. */
  p50: number;
  p95: number;
  p99: number;
}

const CONNECTIONS = 50;
/** Not measured: connections, plans and compiled code come with the first requests. */
const WARM_UP_SECS = 2;

/**
 * Requests at even distances, whatever becomes of those before them. (autocannon sends those of a second at once.)
 * @throws when an answer is not the expected one
 */
export function measureLoad(options: LoadOptions): Promise<Load> {
  return inProcess("evenly", options);
}

/** As many requests as there can be, by 20 connections that each wait for their answer. */
export function measureMost(url: string, secs: number): Promise<Load> {
  return inProcess("most", { url, secs });
}

/** Each in a small process of its own: in this one, full collections of a large heap would count as the server's. */
async function inProcess(how: string, options: object): Promise<Load> {
  const child = spawn(process.execPath, [import.meta.filename, how], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(options));
  const [load, [code]] = await Promise.all([json(child.stdout).catch(() => null), once(child, "exit")]);
  if (code !== 0) throw new Error(`the load generator ended with code ${code}`);
  return load as Load;
}

async function sendEvenly({ url, headers = {}, rate, secs, expected = 200 }: LoadOptions): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const times: number[] = [];
  const pending = new Set<Promise<void>>();
  const startedAt = performance.now();
  const total = Math.round(rate * (WARM_UP_SECS + secs));
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.ceil(((performance.now() - startedAt) / 1000) * rate));
    for (; sent < due; sent++) {
      const dueAt = startedAt + (sent / rate) * 1000;
      const isMeasured = sent >= rate * WARM_UP_SECS;
      const asked = ask(url, agent, headers, expected).then(() => {
        if (isMeasured) times.push(performance.now() - dueAt);
      });
      pending.add(asked);
      void asked.catch(() => {}).finally(() => pending.delete(asked));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  agent.destroy();
  return summarize(times, secs);
}

function ask(url: string, agent: Agent, headers: Record<string, string>, expected: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers }, (answer) => {
      answer.resume();
      answer.once("error", reject).once("end", () => {
        if (answer.statusCode === expected) resolve();
        else reject(new Error(`${url}: expected ${expected}, got ${answer.statusCode}`));
      });
    });
    sent.once("error", reject).end();
  });
}

async function sendMost({ url, secs }: Pick<LoadOptions, "url" | "secs">): Promise<Load> {
  const { requests, latency, errors, non2xx } = await autocannon({ url, connections: 20, duration: secs });
  if (errors + non2xx > 0) throw new Error(`${url}: ${errors} errors, ${non2xx} answers that are none`);
  return { requestsPerSec: requests.average, p50: latency.p50, p95: latency.p97_5, p99: latency.p99 };
}

function summarize(times: number[], secs: number): Load {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { requestsPerSec: times.length / secs, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

if (import.meta.main) {
  const options = (await json(process.stdin)) as LoadOptions;
  const load = await (process.argv[2] === "most" ? sendMost : sendEvenly)(options);
  process.stdout.write(JSON.stringify(load));
}
