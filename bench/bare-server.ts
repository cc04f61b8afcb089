import { createServer } from "node:http";
import { H3, toNodeHandler } from "h3";

/** The least that h3 can do: what `/health` is measured beside. Prints its port; ends when standard input closes. */
const app = new H3().get("/health", () => ({ status: "ok", version: "0", uptime_secs: 0 }));
const server = createServer(toNodeHandler(app)).listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as { port: number }).port}\n`);
});
process.stdin.once("close", () => process.exit(0)).resume();
