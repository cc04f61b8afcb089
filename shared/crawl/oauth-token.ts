import { z } from "zod";
import { parseValue } from "../parse/issues.ts";
import { redact } from "../redact.ts";
import { steadyNow } from "../steady-clock.ts";
import { classify } from "./classify.ts";
import type { HttpClient } from "./http-client.ts";
import { isDeadEnd } from "./outcome.ts";

/** Why there is no new token, or that there is. */
export type RenewResult =
  | { kind: "renewed" }
  /** The site does not take our credentials; the credential is retired. */
  | { kind: "refused"; reason: string }
  | { kind: "throttled"; retryAfterMs: number | null }
  /** The request cannot be made as it stands; the credential is retired. */
  | { kind: "unsendable"; reason: string }
  /**
   * `viaProxy`: the proxy brought no answer, or its address is blocked. Another way may do better. `isDeadEnd`: no
   * connection came about.
   */
  | { kind: "failed"; reason: string; viaProxy: boolean; isDeadEnd?: true };

/** What lets an identity's requests in. Waiting between failed renewals is the caller's. */
export interface Credential {
  /** To send now; `null` while there is none. */
  token(): string | null;
  /** Why it will never work again, and what to check; `null` while it may. */
  readonly retired: string | null;
  /** True without a token, and early enough before its end: until then the old one stays usable. */
  needsRenewal(now: number): boolean;
  /** One renewal at a time: a call during one gets the same result. Never rejects. */
  renew(via: { proxyUrl: string | null }): Promise<RenewResult>;
  /** The site answered a request with `token` as asked. */
  accepted(token: string): void;
  /** The present token has worked. */
  readonly isProven: boolean;
  /**
   * The site answered a request with `token` with 401. The token is dropped, to be renewed; two in a row that never
   * worked retire the credential; one that was renewed meanwhile says nothing.
   */
  refused(token: string): void;
}

export interface OAuthTokenOptions {
  /** The identity's, for messages. */
  name: string;
  tokenUrl: string;
  clientId: string;
  /** Empty for an installed app. */
  clientSecret: string;
  userAgent: string;
  client: HttpClient;
  now?: () => number;
}

/** Fresh tokens that are refused before the credential is given up. */
const MAX_REFUSED_IN_A_ROW = 2;

/** Part of a token's life after which a new one is asked for. */
const RENEW_AT = 0.9;

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  /** Seconds; Reddit gives 86,400. */
  expires_in: z.number().positive(),
});
const ErrorAnswer = z.object({ error: z.string() });

interface Token {
  value: string;
  renewAt: number;
  expiresAt: number;
  wasAccepted: boolean;
}

/**
 * An app-only token of Reddit's `POST /api/v1/access_token`: no user, no refresh token, only asking again.
 *
 * @see https://github.com/reddit-archive/reddit/wiki/OAuth2#application-only-oauth
 */
export function createOAuthToken(options: OAuthTokenOptions): Credential {
  const { name, tokenUrl, now = steadyNow } = options;
  const site = new URL(tokenUrl).host;
  let current: Token | null = null;
  let retired: string | null = null;
  let refusedInARow = 0;
  let lastRefused: string | null = null;
  let renewal: Promise<RenewResult> | null = null;

  async function renew(proxyUrl: string | null): Promise<RenewResult> {
    const askedAt = now();
    const result = await askToken(options, proxyUrl);
    if (result.kind === "refused") {
      retired =
        `${site} refused the client id of identity "${name}" (${result.reason}): check client_id and client_secret ` +
        "(REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET, or IDENTITIES_FILE), and that the app is approved and not deleted";
    }
    if (result.kind === "unsendable")
      retired = `the request for a token of identity "${name}" cannot be sent: ${result.reason}`;
    if (result.kind !== "renewed") return result;
    const lifeMs = result.expiresInSecs * 1000;
    current = {
      value: result.token,
      renewAt: askedAt + lifeMs * RENEW_AT,
      expiresAt: askedAt + lifeMs,
      wasAccepted: false,
    };
    return { kind: "renewed" };
  }

  return {
    token: () => (current && now() < current.expiresAt ? current.value : null),
    get retired() {
      return retired;
    },
    needsRenewal: (at) => retired === null && (current === null || at >= current.renewAt),
    renew: ({ proxyUrl }) => (renewal ??= renew(proxyUrl).finally(() => (renewal = null))),
    get isProven() {
      return current?.wasAccepted ?? false;
    },
    accepted(token) {
      // Also for the one that was just dropped: it did work, so its refusal was about a request.
      if (token === current?.value || token === lastRefused) refusedInARow = 0;
      if (token === current?.value) current.wasAccepted = true;
    },
    refused(token) {
      if (current?.value !== token) return;
      lastRefused = token;
      if (!current.wasAccepted) refusedInARow++;
      current = null;
      // Once may be chance: a token can be revoked between its issue and its first use.
      if (refusedInARow < MAX_REFUSED_IN_A_ROW) return;
      retired =
        `${site} gave identity "${name}" tokens that the API refuses: check that REDDIT_API_URL and ` +
        "REDDIT_TOKEN_URL belong together, and that the app is approved";
    },
  };
}

type TokenResult =
  | { kind: "renewed"; token: string; expiresInSecs: number }
  | Exclude<RenewResult, { kind: "renewed" }>;

async function askToken(options: OAuthTokenOptions, proxyUrl: string | null): Promise<TokenResult> {
  const { name, tokenUrl, clientId, clientSecret, userAgent, client } = options;
  const viaProxy = proxyUrl !== null;
  let outcome;
  try {
    const answer = await client.send({
      method: "POST",
      url: tokenUrl,
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
        "user-agent": userAgent,
      },
      body: grant(clientSecret).toString(),
      identity: name,
      proxyUrl,
    });
    outcome = classify(answer, {});
  } catch (error) {
    // A header that cannot be sent, for one. Nobody awaits a renewal where a rejection would be seen.
    return { kind: "unsendable", reason: redact((error as Error).message) };
  }
  switch (outcome.kind) {
    case "ok":
      return readToken(outcome.body);
    case "throttled":
      return { kind: "throttled", retryAfterMs: outcome.retryAfterMs };
    case "unauthorized":
      return { kind: "refused", reason: `401 ${outcome.reason}` };
    case "gone": {
      const { status } = outcome;
      const reason = `${status} ${ErrorAnswer.safeParse(outcome.body).data?.error ?? outcome.reason}`;
      // RFC 6749 §5.2 answers wrong credentials and grants with 400, in JSON.
      if (status === 400 && outcome.body !== null) return { kind: "refused", reason };
      return {
        kind: "failed",
        reason: `the token endpoint answered ${reason}: check REDDIT_TOKEN_URL`,
        viaProxy: false,
      };
    }
    default: {
      // Another way may do better where this one's proxy brought no answer, or only a page that blocks its address.
      const isProxyToBlame = viaProxy && (outcome.kind === "blocked" || outcome.status === null);
      const reason = `no token: ${outcome.reason}`;
      return {
        kind: "failed",
        reason,
        viaProxy: isProxyToBlame,
        ...(isDeadEnd(outcome) && { isDeadEnd: true }),
      };
    }
  }
}

function grant(clientSecret: string): URLSearchParams {
  if (clientSecret !== "") return new URLSearchParams({ grant_type: "client_credentials" });
  return new URLSearchParams({
    grant_type: "https://oauth.reddit.com/grants/installed_client",
    device_id: "DO_NOT_TRACK_THIS_DEVICE",
  });
}

function readToken(body: unknown): TokenResult {
  const parsed = parseValue(TokenAnswer, body, { whole: "the body", isSecret: true });
  if (parsed.success) {
    return { kind: "renewed", token: parsed.data.access_token, expiresInSecs: parsed.data.expires_in };
  }
  // Reddit answers some refusals with 200 and a body that says so.
  const { data } = ErrorAnswer.safeParse(body);
  if (data) return { kind: "refused", reason: data.error };
  const fields = parsed.issues.map(({ path }) => path);
  return {
    kind: "failed",
    reason: `no token: unexpected answer, check ${fields.join(", ")}`,
    viaProxy: false,
  };
}
