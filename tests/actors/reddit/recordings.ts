import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe } from "vitest";

const FOLDER = path.resolve(import.meta.dirname, "../../../../shared/fixtures/reddit");

export const hasRecordings = existsSync(FOLDER);
export const WITHOUT = hasRecordings ? "" : " (skipped: ../shared/fixtures is not here)";

/** Recorded answers are kept beside the repository; without them, tests that read them are skipped and say so. */
export function describeRecorded(what: string, tests: () => void): void {
  describe.skipIf(!hasRecordings)(`recorded ${what}${WITHOUT}`, () => {
    tests();
  });
}

export interface Recording {
  /** Folder and file. */
  name: string;
  url: string;
  status: number;
  body: unknown;
}

/** The recorded answers of the given folders whose body is JSON; none where the folder is missing. */
export function recordings(...folders: string[]): Recording[] {
  if (!hasRecordings) return [];
  return folders.flatMap((folder) =>
    readdirSync(path.join(FOLDER, folder)).flatMap((file) => {
      const { request, response } = JSON.parse(readFileSync(path.join(FOLDER, folder, file), "utf8"));
      const { status, body, bodyIsJson } = response;
      return bodyIsJson ? [{ name: `${folder}/${file}`, url: request.url, status, body }] : [];
    }),
  );
}

/** Data of a thing as it was recorded, with the types that all recordings have. */
export interface RawThing extends Record<string, unknown> {
  name: string;
  created_utc: number;
}

/** The data of every thing of a kind in a body, however deep, in the order of the text. */
export function thingsOf<Raw extends RawThing>(body: unknown, kind: string): Raw[] {
  if (body === null || typeof body !== "object") return [];
  const own = body as { kind?: unknown; data?: Raw };
  const inner = Object.values(body).flatMap((value) => thingsOf<Raw>(value, kind));
  return own.kind === kind && own.data ? [own.data, ...inner] : inner;
}
