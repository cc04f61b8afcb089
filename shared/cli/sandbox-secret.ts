import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { chmod, link, lstat, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { InvalidInputError } from "../errors.ts";

/** Of this checkout: whoever may read it may change the code as well. */
const FILE = path.resolve(import.meta.dirname, "../../node_modules/.cache/b9/sandbox-secret");
const LENGTH = 64;

/**
 * What stand-ins of this checkout have in common with whoever joins them, made at first use; `null` where nothing can be
 * written.
 * @throws {InvalidInputError} when others can read or have made it
 */
export async function readSandboxSecret(file = FILE): Promise<string | null> {
  for (const isNew of [false, true]) {
    if (isNew && !(await writeSecret(file))) return null;
    const stats = await lstat(file).catch(() => null);
    if (!stats) continue;
    const isOurs = stats.isFile() && stats.uid === process.getuid?.() && (stats.mode & 0o77) === 0;
    const secret = isOurs ? await readFile(file, "utf8") : "";
    if (secret.length === LENGTH) return secret;
    throw new InvalidInputError(`${file} is not this user's own, or not a secret any more: remove it`);
  }
  return null;
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
