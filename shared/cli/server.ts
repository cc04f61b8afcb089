import { defineCommand } from "citty";
import { startServer } from "../../server/main.ts";
import { readConfig } from "../config.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { createLogger } from "../log.ts";

export const server = defineCommand({
  meta: { name: "server", description: "Serve the HTTP API at HOST and PORT" },
  async run() {
    const config = readConfig();
    const log = createLogger({ level: config.logLevel });
    const database = await openDatabase(config, { applicationName: "b9 server", log });
    await migrate(database.pool);
    const running = await startServer({ config, log, database });
    const stop = async () => {
      await running.close();
      await database.close();
    };
    const onSignal = () => void stop().then(() => process.exit(0));
    process.once("SIGTERM", onSignal).once("SIGINT", onSignal);
  },
});
