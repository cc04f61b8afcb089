import { createHash } from "node:crypto";
import type { Answer, SiteRequest } from "../answer.ts";
import type { Clock } from "../clock.ts";
import { jsonAnswer, unauthorizedAnswer } from "./pages.ts";

/** An app that was registered with the site. An empty secret is an installed app. */
export interface Client {
  id: string;
  secret: string;
}

export interface Tokens {
  /** `POST /api/v1/access_token`; the client's id is for the log. */
  issue(request: SiteRequest): { answer: Answer; client: string | null };
  /** The client id that a valid, unexpired bearer token belongs to. */
  clientOf(authorization: string | undefined): string | null;
  revoke(authorization: string | undefined): void;
}

/** What Reddit gives in 2023–2026, in virtual seconds. */
const TOKEN_SECS = 86_400;
const MAX_TOKENS = 10_000;
const INSTALLED = "https://oauth.reddit.com/grants/installed_client";

export function createTokens(clients: readonly Client[], clock: Clock, seed: number): Tokens {
  const tokens = new Map<string, { client: string; expiresAt: number }>();
  const known = new Map(clients.map((client) => [basic(client), client.id]));
  let issued = 0;

  function grant(client: string): Answer {
    const token = createHash("sha256").update(`${seed} ${client} ${issued++}`).digest("base64url");
    tokens.set(token, { client, expiresAt: clock.now() + TOKEN_SECS });
    if (tokens.size > MAX_TOKENS) tokens.delete(tokens.keys().next().value!);
    const expires_in = clock.clientSecs(TOKEN_SECS);
    return jsonAnswer(
      200,
      JSON.stringify({ access_token: token, token_type: "bearer", expires_in, scope: "*" }),
    );
  }

  return {
    issue({ headers, body }) {
      const client = known.get((headers.authorization ?? "").replace(/^basic /i, "Basic ")) ?? null;
      if (client === null) return { answer: unauthorizedAnswer(), client };
      const mistake = grantMistake(new URLSearchParams(body));
      // Reddit says 200 to a grant that it does not give.
      return {
        answer: mistake ? jsonAnswer(200, JSON.stringify({ error: mistake })) : grant(client),
        client,
      };
    },
    clientOf(authorization) {
      const token = tokens.get(bearer(authorization));
      return token && token.expiresAt > clock.now() ? token.client : null;
    },
    revoke: (authorization) => void tokens.delete(bearer(authorization)),
  };
}

function grantMistake(form: URLSearchParams): string | null {
  const grantType = form.get("grant_type");
  if (grantType === "client_credentials") return null;
  if (grantType !== INSTALLED) return "unsupported_grant_type";
  const deviceId = form.get("device_id") ?? "";
  return deviceId === "DO_NOT_TRACK_THIS_DEVICE" || (deviceId.length >= 20 && deviceId.length <= 30)
    ? null
    : "invalid_request";
}

function bearer(authorization = ""): string {
  return /^bearer (.+)$/i.exec(authorization)?.[1] ?? "";
}

function basic({ id, secret }: Client): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
}
