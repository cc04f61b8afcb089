import type { IncomingMessage } from "node:http";
import { thingsOf, type RawThing } from "../actors/reddit/recordings.ts";
import { keyOf, recordedKey, type Recorded } from "./replay-recordings.ts";
import { startServer } from "./test-site.ts";

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body: string | Buffer;
}

/** What a replay server answers before it looks at its recordings; `undefined`: as recorded. */
export type Override = (url: URL, request: IncomingMessage) => Answer | undefined;

export interface ReplayServer {
  /** The settings that point the program at this server. */
  env: Record<string, string>;
  /** Paths and queries asked for, the token's apart, in order. */
  asked: string[];
}

/** Headers of a connection, or of a body as it was packed, not of the answer. */
const HOP_HEADERS = /^(?:content-encoding|content-length|transfer-encoding|connection|keep-alive)$/i;

const TOKEN = {
  access_token: "REDACTED",
  token_type: "bearer",
  expires_in: 3600,
  scope: "*",
  device_id: "x",
};

/** Serves recorded Reddit answers on loopback as a tolerant stranger would. What nobody recorded is a 404 in JSON. */
export async function startReplay(
  recordings: readonly Recorded[],
  override: Override = () => undefined,
): Promise<ReplayServer> {
  const pages = recordings.filter(({ request }) => request.method === "GET");
  const answers = new Map(pages.map((recording) => [recordedKey(recording), recording]));
  const asked: string[] = [];
  const answer = (request: IncomingMessage): Answer => {
    const url = new URL(request.url!, "http://replay");
    const overridden = override(url, request);
    if (url.pathname === "/token") return overridden ?? json(200, TOKEN);
    asked.push(request.url!);
    if (overridden) return overridden;
    const recording = answers.get(keyOf(url));
    if (recording) return recordedAnswer(recording);
    if (url.pathname === "/api/info") return json(200, infoOf(recordings, url));
    if (url.pathname === "/api/morechildren") return json(200, moreChildrenOf(recordings, url));
    return json(404, { message: "Not Found", error: 404 });
  };
  const origin = await startServer((request, response) => {
    request.resume().once("end", () => {
      const { status, headers, body } = answer(request);
      response.writeHead(status, headers).end(body);
    });
  });
  const env = {
    REDDIT_API_URL: origin,
    REDDIT_TOKEN_URL: `${origin}/token`,
    REDDIT_PUBLIC_URL: origin,
    REDDIT_CLIENT_ID: "replayed",
    REDDIT_CLIENT_SECRET: "secret",
    REDDIT_USER_AGENT: "linux:b9-actors-test:1 (by /u/nobody)",
  };
  return { env, asked };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { "content-type": "application/json; charset=UTF-8", ...headers },
    body: JSON.stringify(body),
  };
}

export function recordedAnswer({ response }: Recorded): Answer {
  const { status, headers, bodyIsJson, body } = response;
  return {
    status,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.test(name))),
    body: bodyIsJson ? JSON.stringify(body) : String(body),
  };
}

export function listing(children: readonly unknown[], after: string | null = null): object {
  return { kind: "Listing", data: { after, before: null, dist: children.length, children } };
}

/** What was recorded about the names that `url` asks for, as a listing. */
function infoOf(recordings: readonly Recorded[], url: URL): object {
  const names = (url.searchParams.get("sr_name") ?? "").toLowerCase().split(",");
  const known = recordings.flatMap(({ response }) => thingsOf(response.body, "t5"));
  const asked = known.filter((raw) => names.includes(String(raw["display_name"]).toLowerCase()));
  return listing(asked.map((data) => ({ kind: "t5", data })));
}

interface MoreThing {
  kind: string;
  data: RawThing & { id: string; parent_id: string };
}

/** The recorded calls that brought one of the ids that `url` asks for, put together. */
function moreChildrenOf(recordings: readonly Recorded[], url: URL): object {
  const wanted = (url.searchParams.get("children") ?? "").split(",");
  const things = recordings
    .filter(({ name }) => name.startsWith("morechildren/"))
    .map(({ response }) => (response.body as { json: { data: { things: MoreThing[] } } }).json.data.things)
    .filter((call) => call.some(({ data }) => wanted.includes(data.id)))
    .flat();
  return { json: { errors: [], data: { things } } };
}
