// Uses the embedded database of the folder in argv until its standard input ends: a process that a test can kill.
import path from "node:path";
import { acquireEmbedded } from "../../shared/db/embedded.ts";

const database = await acquireEmbedded({
  checkout: path.resolve(import.meta.dirname, "../.."),
  databaseDir: process.argv[2],
  onNotice: (text) => process.stderr.write(`${text}\n`),
});
process.stdout.write("up\n");
process.stdin.resume().on("end", () => void database.release());
