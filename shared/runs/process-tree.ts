import { readdirSync, readFileSync } from "node:fs";

/** A process and all that it has started, at one moment. */
export interface ProcessTree {
  pids: number[];
  /** Resident memory; what several processes share counts once for each. */
  memoryBytes: number;
  /** Processor time of those that live, in milliseconds. */
  cpuMs: number;
}

interface Stat {
  pid: number;
  parent: number;
  session: number;
  cpuMs: number;
}

/** `/proc/<pid>/stat` counts in hundredths of a second, whatever the kernel's own clock. */
const TICK_MS = 10;

/**
 * The trees of `roots`, each the leader of a session of its own: its descendants, and what stayed in its session when
 * its parent ended. Empty for a root that has ended. Linux only; elsewhere every tree is empty.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function readProcessTrees(roots: readonly number[]): Map<number, ProcessTree> {
  const stats = roots.length > 0 ? readStats() : [];
  const children = Map.groupBy(stats, ({ parent }) => parent);
  return new Map(roots.map((root) => [root, sumTree(root, stats, children)]));
}

function sumTree(root: number, stats: readonly Stat[], children: Map<number, Stat[]>): ProcessTree {
  const found = new Map(
    stats.filter(({ pid, session }) => pid === root || session === root).map((stat) => [stat.pid, stat]),
  );
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
    .flatMap((name) => {
      const text = readProc(`/proc/${name}/stat`, (file) => [readFileSync(file, "utf8")])[0];
      if (text === undefined) return [];
      // The second field is the program's name in brackets, and may hold anything.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      const field = (number: number) => Number(fields[number - 3]);
      return [
        { pid: Number(name), parent: field(4), session: field(6), cpuMs: (field(14) + field(15)) * TICK_MS },
      ];
    });
}

function readResidentBytes(pid: number): number {
  const text = readProc(`/proc/${pid}/status`, (file) => [readFileSync(file, "utf8")])[0] ?? "";
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Empty when the process has ended meanwhile, or there is no `/proc`. */
function readProc<Value>(file: string, read: (file: string) => Value[]): Value[] {
  try {
    return read(file);
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
