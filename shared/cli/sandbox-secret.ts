import type { Stats } from "node:fs";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { chmod, link, lstat, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** Of this checkout: whoever may read it may change the code as well. */
export const SANDBOX_SECRET_FILE = path.resolve(
  import.meta.dirname,
  "../../node_modules/.cache/b9/sandbox-secret",
);
const LENGTH = 64;

/**
 * What stand-ins of this checkout have in common with whoever joins them, made at first use. `null` where that cannot be
 * written, and when the file is not this user's alone, or has something else in it.
 */
export async function readSandboxSecret(file = SANDBOX_SECRET_FILE): Promise<string | null> {
  const stats = (await look(file)) ?? ((await writeSecret(file)) ? await look(file) : null);
  const isOurs = stats?.isFile() && stats.uid === process.getuid?.() && (stats.mode & 0o77) === 0;
  const secret = isOurs ? await readFile(file, "utf8") : "";
  return secret.length === LENGTH ? secret : null;
}

function look(file: string): Promise<Stats | null> {
  return lstat(file).catch(() => null);
}

/** What only who knows the secret can say of `text`. */
export function prove(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}

/** Complete when it has its name; of two that come at once the first wins. */
async function writeSecret(file: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(draft, randomBytes(LENGTH / 2).toString("hex"), { mode: 0o600, flag: "wx" });
    await chmod(draft, 0o600);
    await link(draft, file);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST";
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}
