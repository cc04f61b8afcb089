import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireEmbedded, type EmbeddedDatabase } from "../../shared/db/embedded.ts";
import { preparePlace } from "../../shared/db/embedded-place.ts";
import { readRunning } from "../../shared/db/postgres-server.ts";

const isRoot = process.getuid?.() === 0;
let folder: string;
let open: EmbeddedDatabase[];
let notices: string[];

beforeEach(() => {
  // Not in a folder of root's own: Postgres runs as another user.
  folder = mkdtempSync(path.join(os.tmpdir(), 'b9 data, "base" '));
  chmodSync(folder, 0o755);
  open = [];
  notices = [];
});

afterEach(async () => {
  for (const database of open) await database.release();
  if (await serverPid()) throw new Error(`the test left a server running in ${folder}`);
  rmSync(folder, { recursive: true });
});

async function acquire(databaseDir: string = folder): Promise<EmbeddedDatabase> {
  const database = await acquireEmbedded({
    checkout: path.resolve(import.meta.dirname, "../.."),
    databaseDir,
    onNotice: (text) => notices.push(text),
  });
  open.push(database);
  return database;
}

async function query(database: EmbeddedDatabase, sql: string): Promise<unknown[]> {
  const client = new Client(database.connection);
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

async function serverPid(): Promise<number | undefined> {
  return (await readRunning(path.join(folder, "data")))?.pid;
}

async function startUser(): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, "db-embedded-user.ts");
  const child = spawn(process.execPath, [script, folder], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

it("is started by the first user, adopted by the second, and ended by the last", async () => {
  const first = await acquire();
  const pid = await serverPid();
  const second = await acquire();
  expect(await serverPid()).toBe(pid);
  await first.release();
  expect(await query(second, "select 1 as one")).toEqual([{ one: 1 }]);
  await second.release();
  expect(await serverPid()).toBeUndefined();
});

it("is one server for users that come at the same time to an empty folder", async () => {
  const users = await Promise.all([acquire(), acquire(), acquire()]);
  const pids = await Promise.all(users.map((user) => query(user, "select pg_postmaster_start_time() as at")));
  expect(new Set(pids.map((rows) => JSON.stringify(rows))).size).toBe(1);
});

it("stays usable when the process that started it is killed, and ends with the next last user", async () => {
  const starter = await startUser();
  const pid = await serverPid();
  starter.kill("SIGKILL");
  await once(starter, "exit");
  const next = await acquire();
  expect(await serverPid()).toBe(pid);
  expect(await query(next, "select 1 as one")).toEqual([{ one: 1 }]);
});

it("waits for a user that is another process before it ends", async () => {
  const other = await startUser();
  await (await acquire()).release();
  expect(await serverPid()).toBeGreaterThan(0);
  other.stdin!.end();
  await once(other, "exit");
  expect(await serverPid()).toBeUndefined();
});

it("is started again under its users when the server is killed", async () => {
  const users = [await acquire(), await acquire()];
  await query(users[0]!, "create table kept as select 1 as one");
  const pid = (await serverPid())!;
  process.kill(pid, "SIGKILL");
  const restarts = () => notices.filter((text) => text.includes("had ended"));
  await expect.poll(restarts, { timeout: 20_000 }).toHaveLength(2);
  expect(restarts()[0]).toMatch(/had ended and runs again/);
  expect(await serverPid()).not.toBe(pid);
  expect(await query(users[1]!, "table kept")).toEqual([{ one: 1 }]);
});

it.each([0, 20, 100])("stays down when it was killed %i ms before its last user leaves", async (delayMs) => {
  const user = await acquire();
  process.kill((await serverPid())!, "SIGKILL");
  await sleep(delayMs);
  await user.release();
  await sleep(500);
  expect(await serverPid()).toBeUndefined();
});

it("starts over a lock whose process id belongs to somebody else by now", async () => {
  const before = await acquire();
  await before.release();
  // Of the same user: Postgres knows by itself that another user's process is no server of this folder.
  const somebody = spawn("sleep", ["60"], { ...before.place.user });
  writeFileSync(
    path.join(folder, "data/postmaster.pid"),
    `${somebody.pid}\n${folder}/data\n1\n5432\n${folder}/data\n\n0 0\nready\n`,
  );
  expect(await query(await acquire(), "select 1 as one")).toEqual([{ one: 1 }]);
  somebody.kill();
});

/** As containers start it: root, who may not look into other users' processes. */
const UNSEEING = ["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"];
const canDropPtrace = isRoot && spawnSync("setpriv", [...UNSEEING, "true"]).status === 0;
it.runIf(canDropPtrace)("is seen by a root who may not see the folders of its processes", async () => {
  const script = path.join(import.meta.dirname, "db-embedded-user.ts");
  const args = [...UNSEEING, process.execPath, script, folder];
  const user = spawn("setpriv", args, { stdio: ["pipe", "pipe", "inherit"] });
  await once(user.stdout, "data");
  const pid = await serverPid();
  expect(await query(await acquire(), "select 1 as one")).toEqual([{ one: 1 }]);
  expect(await serverPid()).toBe(pid);
  user.stdin.end();
  expect(await once(user, "exit")).toEqual([0, null]);
});

it("needs no TCP port", async () => {
  const taken = createServer().listen(5432, "127.0.0.1");
  // Somebody else may have it already, which is as good.
  await new Promise((resolve) => taken.once("listening", resolve).once("error", resolve));
  const rows = await query(await acquire(), "select current_setting('listen_addresses') as tcp");
  expect(rows).toEqual([{ tcp: "" }]);
  taken.close();
});

it("puts its socket elsewhere when the folder's path is too long for one", async () => {
  const long = path.join(folder, "l".repeat(100));
  const database = await acquire(long);
  expect(database.connection.host).not.toContain(long);
  expect(await query(database, "select 1 as one")).toEqual([{ one: 1 }]);
  await database.release();
  rmSync(database.connection.host, { recursive: true });
});

it("refuses a folder of another major version, naming both", async () => {
  mkdirSync(path.join(folder, "data"));
  writeFileSync(path.join(folder, "data/PG_VERSION"), "17\n");
  await expect(acquire()).rejects.toThrow(/data was made by Postgres 17, this is 18: .*DATABASE_DIR/);
});

it("says that its folder cannot be created", async () => {
  const file = path.join(folder, "file");
  writeFileSync(file, "");
  await expect(acquire(file)).rejects.toThrow(
    /cannot create the database's folder .*\/file is there, and is no folder; DATABASE_DIR/,
  );
});

it("shows the server's own words when it does not start", async () => {
  await (await acquire()).release();
  writeFileSync(path.join(folder, "data/postgresql.conf"), "no_such_setting = 1\n");
  await expect(acquire()).rejects.toThrow(/does not start in .*data: .*no_such_setting/);
});

it.runIf(isRoot)("says that the disk is full, and leaves nothing behind", async () => {
  const disk = path.join(folder, "disk");
  mkdirSync(disk);
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=755", "none", disk]);
  if (status !== 0) return console.log("skipped: this machine lets nobody mount a small disk");
  try {
    await expect(acquire(path.join(disk, "database"))).rejects.toThrow(
      /cannot create a database in .*: .*No space left on device/,
    );
    expect(spawnSync("ls", [path.join(disk, "database")]).stdout.toString()).toBe("");
  } finally {
    spawnSync("umount", [disk]);
  }
});

it.runIf(isRoot)(
  "refuses a DATABASE_DIR that the server's user cannot reach, naming the folder",
  async () => {
    const closed = path.join(folder, "closed");
    mkdirSync(closed, { mode: 0o700 });
    await expect(acquire(path.join(closed, "a/b"))).rejects.toThrow(
      /DATABASE_DIR .*a\/b: Postgres runs as user \w+, who cannot enter .*closed; /,
    );
  },
);

it.runIf(isRoot)(
  "moves data and binaries out of a checkout that the server's user cannot enter",
  async () => {
    const closed = path.join(folder, "closed");
    mkdirSync(path.join(closed, "native/bin"), { recursive: true });
    writeFileSync(path.join(closed, "native/bin/postgres"), "#!/bin/sh\necho postgres 18.0\n", {
      mode: 0o755,
    });
    chmodSync(closed, 0o700);
    const place = await preparePlace({
      checkout: closed,
      native: path.join(closed, "native"),
      onNotice: (text) => notices.push(text),
    });
    expect(place.folder).toMatch(/^\/var\/lib\/b9-actors\/[0-9a-f]{12}$/);
    expect(place.binDir).toBe(path.join(place.folder, "postgres-18.0/bin"));
    expect(readFileSync(path.join(place.binDir, "postgres"), "utf8")).toContain("18.0");
    expect(notices).toEqual([
      expect.stringMatching(/cannot run .*native: copied to/),
      expect.stringMatching(/cannot enter .*closed: the database is in/),
    ]);
    rmSync(place.folder, { recursive: true });
  },
);

/** Somebody else than root can run this checkout: no folder above it is root's own. */
function isOpenToOthers(entry: string): boolean {
  const isEnterable = (statSync(entry).mode & 0o001) !== 0;
  return isEnterable && (path.dirname(entry) === entry || isOpenToOthers(path.dirname(entry)));
}

const canBeAnotherUser = isRoot && isOpenToOthers(import.meta.dirname);
it.runIf(canBeAnotherUser)(
  "works as an ordinary user, and after that as root with the same data",
  async () => {
    chownSync(folder, 65_534, 65_534);
    const script = path.join(import.meta.dirname, "db-embedded-user.ts");
    const child = spawn(process.execPath, [script, path.join(folder, "mine")], {
      uid: 65_534,
      gid: 65_534,
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    child.stdin.end();
    expect(await once(child, "exit")).toEqual([0, null]);
    await expect(acquire(path.join(folder, "mine"))).resolves.toBeDefined();
  },
);
