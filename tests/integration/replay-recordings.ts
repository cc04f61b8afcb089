import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { hasRecordings } from "../actors/reddit/recordings.ts";

const FOLDER = path.resolve(import.meta.dirname, "../../../shared/fixtures/reddit");

/** One recorded interaction. */
export interface Recorded {
  /** Folder and file. */
  name: string;
  request: { method: string; url: string };
  response: { status: number; headers: Record<string, string>; bodyIsJson: boolean; body: unknown };
}

/** All recordings of the given folders, in the order of their numbers; none where the folder is missing. */
export function recorded(...folders: string[]): Recorded[] {
  if (!hasRecordings) return [];
  return folders.flatMap((folder) =>
    readdirSync(path.join(FOLDER, folder))
      .toSorted()
      .map((file) => ({
        name: `${folder}/${file}`,
        ...(JSON.parse(readFileSync(path.join(FOLDER, folder, file), "utf8")) as Omit<Recorded, "name">),
      })),
  );
}

/**
 * What makes two URLs the same question, to somebody tolerant: endpoint, names asked for and page. `.json`, a slash
 * at the end, letter case, the brackets of placeholders, `limit` and `raw_json` make no difference.
 */
export function keyOf({ pathname, searchParams }: URL): string {
  const endpoint = decodeURIComponent(pathname)
    .replace(/[<>]/g, "")
    .toLowerCase()
    .replace(/\/?\.(?:json|api)$/, "")
    .replace(/\/$/, "")
    .replace(/^\/r\/[^/]+$/, "$&/hot")
    .replace(/^\/user\/[^/]+$/, "$&/overview")
    .replace(/^\/r\/all\/search$/, "/search");
  const names = endpoint === "/api/info" ? (searchParams.get("sr_name") ?? searchParams.get("id") ?? "") : "";
  return [endpoint, names.toLowerCase(), searchParams.get("after") ?? ""].join("?");
}

/** The key of a recording's question. */
export function recordedKey({ request }: Recorded): string {
  return keyOf(new URL(request.url));
}

/**
 * The recordings so that each round has one answer a question: the same thing was recorded in several years. Later
 * pages belong to every round; a page that no other leads to stands as a first one.
 */
export function roundsOf(recordings: readonly Recorded[]): Recorded[][] {
  const afters = new Set(recordings.map(({ response }) => cursorOf(response.body)));
  const isLater = ({ request }: Recorded) => {
    const after = new URL(request.url).searchParams.get("after");
    return after !== null && afters.has(after);
  };
  const pages = recordings.filter(isLater);
  const firsts = recordings.filter((recording) => !isLater(recording)).map(withoutAfter);
  const byKey = Map.groupBy(firsts, recordedKey);
  const count = Math.max(0, ...[...byKey.values()].map(({ length }) => length));
  return Array.from({ length: count }, (_, round) => [
    ...pages,
    ...[...byKey.values()].flatMap((same) => same[round] ?? []),
  ]);
}

function cursorOf(body: unknown): string | null {
  return (body as { data?: { after?: string | null } } | null)?.data?.after ?? null;
}

function withoutAfter(recording: Recorded): Recorded {
  const url = new URL(recording.request.url);
  url.searchParams.delete("after");
  return { ...recording, request: { ...recording.request, url: url.href } };
}
