import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../make-folder.ts";
import { StorageError } from "../run-storage.ts";
import { ignoreMissing } from "./storage-failure.ts";

interface Owner {
  pid: number;
  /** Clock ticks from boot to the process's start, against pids that are used again; "" where there is no /proc. */
  startTime: string;
}

/** Is this file one of a lock's? */
export function isLockFile(fileName: string): boolean {
  return fileName.startsWith("lock.");
}

/**
 * Takes a folder for this process; returns what gives it back.
 *
 * The lock is the file `lock.<n>` with the highest n; its content names the owner, an emptied one has none. Who finds
 * the owner dead or gone creates `lock.<n + 1>`, which exactly one process can. Numbers only rise and the highest
 * file is never deleted, so a process that acts on an old view of the folder ends up below the highest, sees that,
 * and looks again. (A single file would have to be removed before it is taken over, and a second process that found
 * the same dead owner could remove the new one.)
 * @throws {StorageError} naming the process that has it
 */
export async function acquireLock(folder: string): Promise<() => Promise<void>> {
  await makeFolder(folder);
  const temporary = join(folder, `lock.new-${randomUUID()}`);
  // A link to a file that is written already: the lock never exists without its owner's name.
  await writeFile(temporary, `${process.pid} ${readStat(process.pid)?.startTime ?? ""}\n`);
  try {
    for (;;) {
      const { number, owner } = await readNewest(folder);
      if (owner && isAlive(owner)) {
        throw new StorageError(
          `${folder} is in use by process ${owner.pid}; wait until it ends, or stop it first`,
        );
      }
      if (!(await takeNumber(folder, temporary, number + 1))) continue;
      await removeOlder(folder, number);
      return () => truncate(join(folder, `lock.${number + 1}`), 0);
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Makes `ownerFile` the lock with this number. False when somebody has it already, and when a higher one has come
 * since the folder was looked at.
 */
export async function takeNumber(folder: string, ownerFile: string, number: number): Promise<boolean> {
  const lock = join(folder, `lock.${number}`);
  if (!(await linkNew(ownerFile, lock))) return false;
  const isHighest = Math.max(...(await lockNumbers(folder))) === number;
  if (!isHighest) await rm(lock, { force: true });
  return isHighest;
}

/** The lock with the highest number; 0 when there was never one. */
async function readNewest(folder: string): Promise<{ number: number; owner: Owner | null }> {
  for (;;) {
    const number = Math.max(0, ...(await lockNumbers(folder)));
    if (number === 0) return { number, owner: null };
    const text = await readFile(join(folder, `lock.${number}`), "utf8").catch(ignoreMissing);
    // Missing: a higher one has come meanwhile.
    if (text === null) continue;
    return { number, owner: text === "" ? null : parseOwner(text, join(folder, `lock.${number}`)) };
  }
}

/** Whom it names may be alive: what cannot be read is not what has no owner. */
function parseOwner(text: string, file: string): Owner {
  const [, pid, startTime = ""] = /^([1-9]\d*) (\d*)\n$/.exec(text) ?? [];
  if (pid !== undefined) return { pid: Number(pid), startTime };
  throw new StorageError(
    `${file} does not say which process has the folder: remove it when no crawl uses the folder`,
  );
}

async function lockNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => /^lock\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function removeOlder(folder: string, upTo: number): Promise<void> {
  for (const number of await lockNumbers(folder)) {
    if (number <= upTo) await rm(join(folder, `lock.${number}`), { force: true });
  }
}

function isAlive({ pid, startTime }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const stat = readStat(pid);
  if (stat === null || startTime === "") return true;
  // Z: dead, and its parent has not noticed yet.
  return stat.state !== "Z" && stat.startTime === startTime;
}

/** `null` where there is no /proc, or nothing to see in it. */
function readStat(pid: number): { state: string; startTime: string } | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // proc_pid_stat(5): `pid (name) state …`, where the name may hold anything; the start time is field 22.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
}
