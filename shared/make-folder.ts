import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/**
 * Makes a folder and those above it; one that is there is fine. Node's own `recursive` never returns where a folder that
 * is there takes no other (`/proc`), and speaks of a missing file where a link leads to nothing.
 * @returns the topmost folder that was made; `null` when all were there
 */
export async function makeFolder(folder: string): Promise<string | null> {
  const absolute = path.resolve(folder);
  try {
    await mkdir(absolute);
    return absolute;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isTop = path.dirname(absolute) === absolute;
    if (code !== "ENOENT" || isTop || (await stat(path.dirname(absolute)).catch(() => null))) {
      const found = await stat(absolute).catch(() => null);
      if (found?.isDirectory()) return null;
      if (code !== "EEXIST") throw error;
      const what = found ? "no folder" : "a link that leads to no folder";
      throw new Error(`${absolute} is there, and is ${what}`, { cause: error });
    }
    const above = await makeFolder(path.dirname(absolute));
    return above === null ? makeFolder(absolute) : (await makeFolder(absolute), above);
  }
}
