import { openDatabase } from "../../shared/db/database.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { createLogger } from "../../shared/log.ts";
import { Delivery } from "../../shared/runs/delivery.ts";

// A process that starts on the database of its argument, as servers and workers do.
const database = await openDatabase(JSON.parse(process.argv[2]!), { applicationName: "tests" });
await migrate(database.pool);
const delivery = await Delivery.open(database, createLogger({ level: "silent" }));
await delivery.close();
await database.close();
