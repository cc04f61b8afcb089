import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const PREFIX = "b9-run-";
const REMOVE_MS = 100;
const REMOVE_TRIES = 50;

/**
 * A control group of version 2 for one attempt of a run: no process leaves it, whatever becomes of its session and its
 * environment, and all of them are killed at once. Where it cannot be made or used, it does nothing.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
export class RunCgroup {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** `null` where there are none, or they are not ours to make. */
  static create(name: string): RunCgroup | null {
    const parent = findOwnFolder();
    if (parent === null) return null;
    const folder = path.join(parent, PREFIX + name);
    return attempt(() => (mkdirSync(folder), new RunCgroup(folder))) ?? null;
  }

  /** Those that this process or one beside it has made. */
  static list(): { name: string; group: RunCgroup }[] {
    const parent = findOwnFolder();
    if (parent === null) return [];
    return readdirSync(parent)
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => ({ name: name.slice(PREFIX.length), group: new RunCgroup(path.join(parent, name)) }));
  }

  /** Whoever writes 1 to it ends the group. */
  get killFile(): string {
    return this.#file("kill");
  }

  add(pid: number): void {
    attempt(() => writeFileSync(this.#file("procs"), String(pid)));
  }

  pids(): number[] {
    const text = attempt(() => readFileSync(this.#file("procs"), "utf8")) ?? "";
    return text.split("\n").filter(Boolean).map(Number);
  }

  /** Kernels before 5.14 cannot: whoever kills them by `pids` does it there. */
  kill(): void {
    attempt(() => writeFileSync(this.#file("kill"), "1"));
  }

  /** Tried again until those that were killed are gone. */
  remove(tries = REMOVE_TRIES): void {
    if (attempt(() => (rmdirSync(this.#folder), true)) || tries <= 1) return;
    setTimeout(() => this.remove(tries - 1), REMOVE_MS).unref();
  }

  #file(name: "procs" | "kill"): string {
    return path.join(this.#folder, `cgroup.${name}`);
  }
}

let ownFolder: string | null | undefined;

/** The group that this process is in. */
function findOwnFolder(): string | null {
  return (ownFolder ??= attempt(readOwnFolder) ?? null);
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
function readOwnFolder(): string | null {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const mount = mounts
    .map((line) => line.split(" "))
    .find((fields) => fields[fields.indexOf("-") + 1] === "cgroup2");
  const own = /^0::(\/.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  const [root, point] = [mount?.[3], mount?.[4]];
  if (root === undefined || point === undefined || own === undefined) return null;
  const relative = path.relative(root, own);
  return relative.startsWith("..") ? null : path.join(point, relative);
}

/** `undefined` for what the system does not have or allow: no groups, no permission, a group that is gone. */
function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}
