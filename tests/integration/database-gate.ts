import net from "node:net";
import path from "node:path";
import { once } from "node:events";

/** A way to a Postgres that can be shut, and that can swallow what goes over it. */
export interface DatabaseGate {
  /** Of the database, by this way. */
  url: string;
  /** Breaks what goes over it; nothing new is let in. */
  shut(): Promise<void>;
  /** Nothing breaks, and nothing arrives. */
  swallow(): void;
  open(): Promise<void>;
}

/** @param databaseUrl of a cluster of tests, by a socket file */
export async function openDatabaseGate(databaseUrl: string): Promise<DatabaseGate> {
  const { pathname, searchParams } = new URL(databaseUrl);
  const socketFile = path.join(searchParams.get("host")!, ".s.PGSQL.5432");
  const sockets = new Set<net.Socket>();
  let isSwallowing = false;
  const server = net.createServer((inner) => {
    const outer = net.connect(socketFile);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on("data", (data) => isSwallowing || to.write(data));
      from.on("error", () => undefined).on("close", () => (sockets.delete(from), to.destroy()));
    }
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    // Its address is one of TCP.
    return (server.address() as net.AddressInfo).port;
  };
  const port = await listen(0);
  const breakAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: `postgres://postgres@127.0.0.1:${port}${pathname}`,
    async shut() {
      const closed = once(server, "close");
      server.close();
      breakAll();
      await closed;
    },
    swallow() {
      isSwallowing = true;
    },
    async open() {
      isSwallowing = false;
      breakAll();
      if (!server.listening) await listen(port);
    },
  };
}
