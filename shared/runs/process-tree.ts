import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process and all that it has started, at one moment. */
export interface ProcessTree {
  pids: number[];
  /** Resident memory; what several processes share counts once for each. */
  memoryBytes: number;
  /** Processor time of those that live, in milliseconds. */
  cpuMs: number;
}

/** Where a tree begins. */
export interface ProcessRoot {
  /** Leads a session. */
  pid: number;
  /** It has ended: whoever has its number is somebody else. */
  isGone?: boolean;
  /** What its processes have in their environment as `B9_RUN`. */
  mark?: string;
  /** Known to belong to it, from elsewhere. */
  members?: readonly number[];
}

/** Environment variable that a run's process hands down to whatever it starts, and that to what it starts. */
export const MARK_VARIABLE = "B9_RUN";

interface Stat {
  pid: number;
  parent: number;
  session: number;
  cpuMs: number;
  /** Since the machine started. With the pid it is the process's own, whose number comes again. */
  startTicks: number;
}

/** `/proc/<pid>/stat` counts in hundredths of a second, whatever the kernel's own clock. */
const TICK_MS = 10;

/**
 * The trees of `roots`, by their pids: what descends from it, is in its session, bears its mark, or is known to belong
 * to it, and what descends from that. Empty where all have ended. Linux only; elsewhere every tree is empty.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function readProcessTrees(roots: readonly (number | ProcessRoot)[]): Map<number, ProcessTree> {
  const stats = roots.length > 0 ? readStats() : [];
  const children = Map.groupBy(stats, ({ parent }) => parent);
  const all = roots.map((root) => (typeof root === "number" ? { pid: root } : root));
  const marks = all.some(({ mark }) => mark !== undefined) ? readMarks(stats) : new Map<number, string>();
  return new Map(all.map((root) => [root.pid, sumTree(root, { stats, children, marks })]));
}

/** The mark of every process that has one and may be read: those of the same user, or of all for root. */
export function readMarks(stats: readonly Pick<Stat, "pid">[] = readStats()): Map<number, string> {
  const marks = new Map<number, string>();
  for (const { pid } of stats) {
    const [environment] = readProc(`/proc/${pid}/environ`, (file) => [readFileSync(file, "utf8")]);
    const mark = environment?.split("\0").find((line) => line.startsWith(`${MARK_VARIABLE}=`));
    if (mark !== undefined) marks.set(pid, mark.slice(MARK_VARIABLE.length + 1));
  }
  return marks;
}

/** When the process started; `undefined` when it has ended. */
export function readStartTicks(pid: number): number | undefined {
  return readStat(String(pid))[0]?.startTicks;
}

interface Snapshot {
  stats: readonly Stat[];
  children: Map<number, Stat[]>;
  marks: Map<number, string>;
}

function sumTree(
  { pid: root, isGone = false, mark, members = [] }: ProcessRoot,
  { stats, children, marks }: Snapshot,
): ProcessTree {
  const isOfRoot = ({ pid, session }: Stat) =>
    (pid === root && !isGone) ||
    session === root ||
    members.includes(pid) ||
    (mark !== undefined && marks.get(pid) === mark);
  const found = new Map(stats.filter(isOfRoot).map((stat) => [stat.pid, stat]));
  // A map hands out what is added while it is gone through.
  for (const pid of found.keys()) for (const child of children.get(pid) ?? []) found.set(child.pid, child);
  const pids = [...found.keys()];
  return {
    pids,
    memoryBytes: pids.reduce((sum, pid) => sum + readResidentBytes(pid), 0),
    cpuMs: [...found.values()].reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  };
}

function readStats(): Stat[] {
  return readProc("/proc", (folder) => readdirSync(folder))
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat);
}

/** Empty for a process that has ended, also when nobody has asked how. */
function readStat(name: string): Stat[] {
  const text = readProc(`/proc/${name}/stat`, (file) => [readFileSync(file, "utf8")])[0];
  if (text === undefined) return [];
  // The second field is the program's name in brackets, and may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  if (fields[0] === "Z" || fields[0] === "X") return [];
  return [
    {
      pid: Number(name),
      parent: field(4),
      session: field(6),
      cpuMs: (field(14) + field(15)) * TICK_MS,
      startTicks: field(22),
    },
  ];
}

function readResidentBytes(pid: number): number {
  const text = readProc(`/proc/${pid}/status`, (file) => [readFileSync(file, "utf8")])[0] ?? "";
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Which numbers of processes are meant: those of this machine or container. "0" off Linux. */
export function readPidNamespace(): string {
  const [link = ""] = readProc("/proc/self/ns/pid", (file) => [readlinkSync(file)]);
  return /\d+/.exec(link)?.[0] ?? "0";
}

/** Empty when the process has ended meanwhile, may not be looked at, or there is no `/proc`. */
function readProc<Value>(file: string, read: (file: string) => Value[]): Value[] {
  try {
    return read(file);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return [];
    throw error;
  }
}
