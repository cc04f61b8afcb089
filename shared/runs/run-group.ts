import { existsSync, writeFileSync } from "node:fs";
import {
  type ProcessRoot,
  readMarks,
  readPidNamespace,
  readProcessTrees,
  readStartTicks,
} from "./process-tree.ts";
import { RunCgroup } from "./run-cgroup.ts";

/** Whoever is killed may just have started somebody. */
const PASSES = 10;

/** Which attempt a process belongs to, and which process carries that attempt out. */
export interface Mark {
  runId: string;
  attempt: number;
  owner: { pid: number; startTicks: number; namespace: string };
}

/**
 * All processes of one attempt of a run: its tree and session, whatever bears its mark in the environment, and where
 * there are control groups, whatever is in its own. So what has made itself a daemon is found as well.
 */
export class RunGroup {
  readonly mark: string;
  readonly #cgroup: RunCgroup | null;
  #leader: number | undefined;
  #isLeaderGone = false;

  constructor(attempt: Pick<Mark, "runId" | "attempt">) {
    this.mark = formatMark({ ...attempt, owner: identify() });
    this.#cgroup = RunCgroup.create(this.mark.replaceAll("/", "_"));
  }

  /** What its leader needs to end all of it: see `killOwnGroup`. */
  get killArguments(): string[] {
    return [this.mark, this.#cgroup?.killFile ?? ""];
  }

  /** `pid` leads the attempt's session. */
  adopt(pid: number | undefined): void {
    this.#leader = pid;
    if (pid !== undefined) this.#cgroup?.add(pid);
  }

  /** `null` before there is a process. Where its control group has all, environments need not be looked through. */
  get root(): ProcessRoot | null {
    if (this.#leader === undefined) return null;
    const members = this.#cgroup?.pids() ?? [];
    return { pid: this.#leader, members, ...(members.length === 0 && { mark: this.mark }) };
  }

  /** Ends all of it, at once. */
  kill(): void {
    this.#cgroup?.kill();
    if (this.#leader === undefined) return;
    const pid = this.#leader;
    killIfThere(-pid);
    killUntilNone(() => {
      const members = this.#cgroup?.pids() ?? [];
      const root = { pid, isGone: this.#isLeaderGone, mark: this.mark, members };
      return readProcessTrees([root]).get(pid)!.pids;
    });
  }

  /** Its leader has ended: whatever it has left behind ends, too. */
  close(): void {
    // Its number may soon be another process's.
    this.#isLeaderGone = true;
    this.kill();
    this.#cgroup?.remove();
  }
}

/** The leader's own way to end all of its group, itself last. */
export function killOwnGroup(mark: string, killFile: string): void {
  killUntilNone(() => {
    const { pids } = readProcessTrees([{ pid: process.pid, mark }]).get(process.pid)!;
    return pids.filter((pid) => pid !== process.pid);
  });
  if (existsSync(killFile)) writeFileSync(killFile, "1");
}

/**
 * Ends what attempts have left behind whose worker has died. What belongs to a worker that lives is its own, and what
 * was started in another container is told by numbers that mean nothing here.
 */
export function killLeftovers(): void {
  for (const { name, group } of RunCgroup.list()) {
    const mark = parseMark(name.replaceAll("_", "/"));
    if (!mark || !isLeftover(mark)) continue;
    group.kill();
    group.remove();
  }
  killUntilNone(() =>
    [...readMarks()].flatMap(([pid, text]) => {
      const mark = parseMark(text);
      return mark && isLeftover(mark) ? [pid] : [];
    }),
  );
}

function isLeftover({ owner: { pid, startTicks, namespace } }: Mark): boolean {
  return namespace === identify().namespace && readStartTicks(pid) !== startTicks;
}

function formatMark({ runId, attempt, owner: { pid, startTicks, namespace } }: Mark): string {
  return [runId, attempt, pid, startTicks, namespace].join("/");
}

function parseMark(text: string): Mark | null {
  const [, runId, attempt, pid, startTicks, namespace] =
    /^([^/]+)\/(\d+)\/(\d+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  if (runId === undefined || namespace === undefined) return null;
  const owner = { pid: Number(pid), startTicks: Number(startTicks), namespace };
  return { runId, attempt: Number(attempt), owner };
}

let self: Mark["owner"] | undefined;

/** This process, unlike one that had or will have its number, or has it in another container. */
function identify(): Mark["owner"] {
  return (self ??= {
    pid: process.pid,
    startTicks: readStartTicks(process.pid) ?? 0,
    namespace: readPidNamespace(),
  });
}

function killUntilNone(find: () => number[]): void {
  for (let pass = 0; pass < PASSES; pass++) {
    const pids = find();
    if (pids.length === 0) return;
    for (const pid of pids) killIfThere(pid);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // EPERM: it has become another user's, and nothing of ours may end it.
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code!)) throw error;
  }
}
