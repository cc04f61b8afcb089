import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { chmod, lstat, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createHash } from "node:crypto";
import { steadyNow } from "../steady-clock.ts";
import { createPrivateFolder, type EmbeddedPlace, type ServerUser } from "./embedded-place.ts";
import { DatabaseError } from "./errors.ts";

/** What a running server has written into its `postmaster.pid`. */
export interface RunningServer {
  pid: number;
  /** Folder of the Unix socket. */
  socketDir: string;
  port: number;
  isReady: boolean;
}

const MAJOR = "18";

/** Names a socket in a folder of our own, not a TCP port: nothing else can take it. */
const PORT = 5432;

/** Longest path of a Unix socket on every system (macOS has 104 bytes with the closing 0, Linux 108). */
const MAX_SOCKET_PATH = 103;

const MAX_LOG_BYTES = 1_000_000;

const SETTINGS = {
  listen_addresses: "",
  port: PORT,
  max_connections: 100,
  shared_buffers: "512MB",
  effective_cache_size: "1GB",
  work_mem: "16MB",
  maintenance_work_mem: "256MB",
  random_page_cost: 1.1,
  // The statements are short; compiling them costs more than it brings.
  jit: "off",
  // No replica reads this log, so that bulk loads may skip it.
  wal_level: "minimal",
  max_wal_senders: 0,
  max_wal_size: "2GB",
  checkpoint_timeout: "15min",
  // Errors go to whoever asked, and may quote data about people: the server's log has only its own life.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};

/**
 * Creates the cluster where there is none: in a folder of its own that takes its name when it is complete, so that a
 * killed call leaves nothing half done, and of two at once the first wins. About 0.9 s.
 * @throws {DatabaseError} with what initdb said
 */
export async function ensureCluster({ folder, dataDir, binDir, user }: EmbeddedPlace): Promise<void> {
  const version = await readVersion(dataDir);
  if (version === MAJOR) return;
  if (version !== null) {
    throw new DatabaseError(
      `${dataDir} was made by Postgres ${version}, this is ${MAJOR}: dump it with ${version} and restore it here, or choose another folder with DATABASE_DIR`,
    );
  }
  const parent = await mkdtemp(path.join(folder, "new-")).catch((cause: Error) => {
    throw new DatabaseError(`cannot write to ${folder}: ${cause.message}`, { cause });
  });
  try {
    const fresh = path.join(parent, "data");
    if (user) await createPrivateFolder(fresh, user);
    // initdb opens the folder by its path, as its own user.
    await chmod(parent, 0o711);
    const args = ["-D", fresh, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"];
    // Postgres's own collation: the same order on every system, whatever its locales.
    const locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
    const { status, stderr, error } = spawnSync(path.join(binDir, "initdb"), [...args, ...locale], {
      ...user,
      cwd: folder,
      encoding: "utf8",
      env: serverEnv(),
    });
    if (status !== 0)
      throw new DatabaseError(
        `cannot create a database in ${folder}: ${error?.message ?? summarizeLog(stderr)}`,
      );
    await rename(fresh, dataDir).catch(async (cause: NodeJS.ErrnoException) => {
      if ((await readVersion(dataDir)) !== MAJOR) throw cause;
    });
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/**
 * Starts the server in a session of its own, so that it outlives this process and is not reached by its Ctrl+C.
 * Resolves when the server is ready, or has given way to one that is there already. About 50 ms.
 * @throws {DatabaseError} with what the server said
 */
export async function startServer(
  place: EmbeddedPlace,
  orphansUntil: number = steadyNow() + 10_000,
): Promise<void> {
  const { folder, dataDir, binDir, user } = place;
  const socketDir = await prepareSocketFolder(dataDir, user);
  const settings = {
    ...SETTINGS,
    // A list in which quotes protect commas and spaces.
    unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"`,
  };
  const logFile = path.join(folder, "postgres.log");
  // Appended to, because another process may have started a server meanwhile that writes there.
  const log = openLog(logFile);
  if (fstatSync(log).size > MAX_LOG_BYTES) ftruncateSync(log);
  const logStart = fstatSync(log).size;
  const child = spawn(
    path.join(binDir, "postgres"),
    ["-D", dataDir, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    { ...user, cwd: folder, env: serverEnv(), detached: true, stdio: ["ignore", log, log] },
  );
  closeSync(log);
  const ended = new Promise<() => string>((resolve) => {
    child.once("error", (error) => resolve(() => error.message));
    child.once("exit", () =>
      resolve(() => summarizeLog(readFileSync(logFile).subarray(logStart).toString())),
    );
  });
  child.unref();
  for (;;) {
    const explain = await Promise.race([ended, sleep(10)]);
    if (explain) {
      if (await removeStaleLock(dataDir, socketDir)) return startServer(place, orphansUntil);
      if (await readRunning(dataDir)) return;
      const failure = explain();
      // Processes of a server that was killed notice within moments.
      if (failure.includes("pre-existing shared memory") && steadyNow() < orphansUntil) {
        await sleep(100);
        return startServer(place, orphansUntil);
      }
      throw new DatabaseError(`Postgres does not start in ${dataDir}: ${failure}`);
    }
    const running = await readRunning(dataDir);
    if (running?.isReady && running.pid === child.pid) return;
  }
}

function openLog(file: string): number {
  try {
    return openSync(file, "a", 0o600);
  } catch (cause) {
    throw new DatabaseError(`cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Ends the server: connections are closed, what was committed is kept. Resolves when its folder is free. */
export async function stopServer({ dataDir }: EmbeddedPlace, timeoutMs = 60_000): Promise<void> {
  const running = await readRunning(dataDir);
  if (!running) return;
  process.kill(running.pid, "SIGINT");
  for (const until = steadyNow() + timeoutMs; steadyNow() < until; await sleep(10)) {
    const now = await readRunning(dataDir);
    if (now?.pid !== running.pid) return;
  }
  throw new DatabaseError(`Postgres (process ${running.pid}) in ${dataDir} does not end`);
}

/** The server of this folder; `null` when none runs, whatever a dead one has left behind. */
export async function readRunning(dataDir: string): Promise<RunningServer | null> {
  const text = await readLockFile(dataDir);
  if (text === null) return null;
  // pid, data folder, start time, port, socket folder, address, shared memory, status
  const [pid, , , port, socketDir = "", , , status = ""] = text.split("\n");
  if (!isServerOf(Number(pid), dataDir)) return null;
  return { pid: Number(pid), socketDir, port: Number(port), isReady: status.trim() === "ready" };
}

/**
 * Removes the lock of a server that is dead while its process id belongs to somebody else by now, as after a power
 * cut or in a new container: Postgres itself would refuse to start until that process ends.
 */
async function removeStaleLock(dataDir: string, socketDir: string): Promise<boolean> {
  const text = await readLockFile(dataDir);
  if (text === null || isServerOf(Number(text.split("\n")[0]), dataDir)) return false;
  // Two that find the same stale lock: the second must not remove the first one's fresh one.
  if ((await readLockFile(dataDir)) !== text) return true;
  await rm(path.join(dataDir, "postmaster.pid"), { force: true });
  await rm(path.join(socketDir, `.s.PGSQL.${PORT}.lock`), { force: true });
  return true;
}

/**
 * A server's working folder is its data folder, which no other process has. Where we may not see it, as root without
 * CAP_SYS_PTRACE in a container may not, a process of that name counts: taken for dead, its lock would be removed.
 */
function isServerOf(pid: number, dataDir: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    if (process.platform === "linux") return realpathSync(readlinkSync(`/proc/${pid}/cwd`)) === dataDir;
  } catch (error) {
    if (!HIDDEN.has((error as NodeJS.ErrnoException).code)) return false;
  }
  return spawnSync("ps", ["-o", "comm=", "-p", String(pid)], { encoding: "utf8" }).stdout.includes(
    "postgres",
  );
}

/** What there is, and may not be looked at. */
const HIDDEN = new Set<string | undefined>(["EACCES", "EPERM"]);

/** @param pid may be no number, where a lock is half written */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return HIDDEN.has((error as NodeJS.ErrnoException).code);
  }
}

async function readLockFile(dataDir: string): Promise<string | null> {
  return readOwned(path.join(dataDir, "postmaster.pid"));
}

async function readVersion(dataDir: string): Promise<string | null> {
  return (await readOwned(path.join(dataDir, "PG_VERSION")))?.trim() ?? null;
}

/** @throws {DatabaseError} when the database belongs to another user */
async function readOwned(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    throw new DatabaseError(
      `${file} cannot be read (${cause.code}): the database belongs to another user; run as that user, or choose another folder with DATABASE_DIR`,
      { cause },
    );
  });
}

/** The data folder itself, or where its path is too long for a socket, a private folder in the system's temporary one. */
async function prepareSocketFolder(dataDir: string, user: ServerUser): Promise<string> {
  if (Buffer.byteLength(path.join(dataDir, `.s.PGSQL.${PORT}`)) <= MAX_SOCKET_PATH) return dataDir;
  const name = createHash("sha256").update(dataDir).digest("hex").slice(0, 12);
  const folder = path.join(os.tmpdir(), `b9-actors-${name}`);
  await createPrivateFolder(folder, user).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const { uid, mode } = await lstat(folder);
  if (uid !== (user?.uid ?? process.getuid?.()) || (mode & 0o77) !== 0) {
    throw new DatabaseError(`${folder} belongs to somebody else; remove it, or use a shorter DATABASE_DIR`);
  }
  return folder;
}

/** Its own words for what is wrong, of what may be a long report. */
function summarizeLog(log: string): string {
  const lines = log.trim().split("\n");
  const complaints = lines.filter((line) => /ERROR|FATAL|PANIC|error:/.test(line));
  const last = lines.slice(-3).map((line) => line.replace(/^[\d-]+ [\d:.]+ UTC \[\d+\] /, ""));
  return [...new Set([...complaints, ...last])].join("; ") || "it ended without a word";
}

/** The server inherits nothing but this, above all no secrets. */
function serverEnv(): NodeJS.ProcessEnv {
  return { LC_ALL: "C" };
}

function sleep(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
