import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe } from "vitest";
import { classify } from "../../../shared/crawl/classify.ts";
import type { Outcome } from "../../../shared/crawl/outcome.ts";
import { parseJsonExact } from "../../../shared/crawl/json.ts";
import type { Site } from "../../../shared/crawl/site.ts";

const FOLDER = path.resolve(import.meta.dirname, "../../../../shared/fixtures/instagram");

const hasRecordings = existsSync(FOLDER);

/** Recorded answers are kept beside the repository; without them, tests that read them are skipped and say so. */
export function describeRecorded(what: string, tests: () => void): void {
  describe.skipIf(!hasRecordings)(
    `recorded ${what}${hasRecordings ? "" : " (skipped: ../shared/fixtures is not here)"}`,
    () => {
      tests();
    },
  );
}

interface Recording {
  request: { url: string };
  response: { status: number; headers: Record<string, string>; body: unknown };
}

/** A recorded answer, as its bytes read. */
export function recorded(file: string): Recording {
  return parseJsonExact(readFileSync(path.join(FOLDER, file), "utf8")) as Recording;
}

/** What the kit makes of an answer. */
export function outcomeOf(
  site: Site,
  answer: { status: number; body: unknown; headers?: Record<string, string>; url?: string },
): Outcome {
  const { status, body, headers = {}, url = "https://site.example/" } = answer;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return classify({ status, headers, url, body: Buffer.from(text), answeredAt: 0 }, site.rules);
}

export function recordedOutcome(site: Site, file: string, headers: Record<string, string> = {}): Outcome {
  const { request, response } = recorded(file);
  // That is how the page of a redirect is recorded.
  const location: Record<string, string> =
    response.status === 302 ? { location: "https://i.instagram.com/accounts/login/" } : {};
  return outcomeOf(site, {
    ...response,
    url: request.url,
    headers: { ...response.headers, ...location, ...headers },
  });
}
