/** Why a target does not answer with content; what the site itself stated about it. */
export type Availability = "ok" | "private" | "quarantined" | "gated" | "banned" | "not_found" | "suspended";

/** Headers of an answer, names in lower case. */
export type Headers = Record<string, string | undefined>;

interface Answer {
  status: number;
  headers: Headers;
}

/** What one exchange with a site came to. The kit's reaction follows from `kind`. */
export type Outcome =
  /** The content that was asked for; `body` is parsed JSON, integers beyond 2^53 as exact strings. */
  | (Answer & { kind: "ok"; body: unknown })
  /**
   * A fact about the target, final for the request. `availability` is what the answer proves about it, `null`
   * when it proves nothing (a request that the site refuses as such). `location` is set for redirects.
   */
  | (Answer & {
      kind: "gone";
      reason: string;
      availability: Availability | null;
      body: unknown;
      location?: string;
    })
  /**
   * A fact about our client: block page, JS challenge, dead proxy. The identity cools down; targets are untouched.
   * `isCutOff`: no connection came about, so that nothing was sent.
   */
  | { kind: "blocked"; status: number | null; reason: string; isCutOff?: true }
  /** Too fast. `retryAfterMs` is the site's own word, `null` when it gave none. */
  | (Answer & { kind: "throttled"; retryAfterMs: number | null })
  /** The identity is of no use any more: its key is refused, its quota used up. */
  | { kind: "retired"; status: number | null; reason: string }
  /** The token was refused. */
  | (Answer & { kind: "unauthorized"; reason: string })
  /** The site is in trouble: 5xx, timeout, reset. `status` is `null` when no answer came; `isCutOff` as above. */
  | { kind: "serverError"; status: number | null; reason: string; isCutOff?: true }
  /** An answer that is not what it should be; `preview` is its first 200 characters. */
  | { kind: "malformed"; status: number; reason: string; preview: string };

export type OutcomeKind = Outcome["kind"];

/** No connection came about, or the proxy cut it before an answer: that says something about the way alone. */
export function isDeadEnd(outcome: Outcome | null): boolean {
  return isCutOff(outcome) || (outcome?.kind === "blocked" && outcome.status === null);
}

/** The request has not left: nothing is to be charged for it. */
export function isCutOff(outcome: Outcome | null): boolean {
  return outcome !== null && "isCutOff" in outcome && outcome.isCutOff === true;
}
