import type { Logger } from "pino";
import { steadyNow } from "../steady-clock.ts";
import { backoffMs } from "./backoff.ts";
import { type Dispatch, isTold, type Reading } from "./budget.ts";
import type { Identity } from "./identity.ts";
import type { Credential } from "./oauth-token.ts";
import { isCutOff, isDeadEnd, type Outcome } from "./outcome.ts";
import type { Turnstile } from "./turnstile.ts";

/** A request's ticket at its identity; given back with the outcome. */
export interface Ticket {
  identity: Identity;
  dispatch: Dispatch;
  /** That it went through; `null` where any number may be under way. */
  turnstile: Turnstile | null;
  /** The token it was sent with; `null` for anonymous identities. */
  token: string | null;
  /** The identity got through before this request. */
  wasProven: boolean;
  /** The site had accepted the token before this request. */
  tokenWasProven: boolean;
}

/** How the renewals of a credential go. */
interface Renewal {
  /** In a row. */
  failures: number;
  /** Earliest time of the next try. */
  notBefore: number;
  running: boolean;
  /** When the present token came. */
  renewedAt: number;
}

/** Where the next request can go, and when. */
export interface Opening {
  /** Open now; `null` when none is. */
  identity: Identity | null;
  /** Earliest time that one opens; `Infinity` when only an answer, or nothing, can open one. */
  at: number;
}

/** Connections in a row that did not come about, after 6 s: a proxy that never let anything through will not. */
const MAX_PROXY_CUT_OFFS = 3;
/** After a minute: without a proxy it may be the machine's own network that is away for a moment. */
const MAX_CUT_OFFS = 6;

/**
 * The identities of a run. Says which one may send next, hands out tickets and turns outcomes into the clocks
 * of budgets, the health of identities and the life of tokens.
 */
export class IdentityPool {
  readonly identities: readonly Identity[];
  readonly #onChange: () => void;
  readonly #log: Logger | null;
  readonly #now: () => number;
  readonly #lastUsed = new Map<Identity, number>();
  readonly #renewals = new Map<Credential, Renewal>();
  #uses = 0;

  /** @param onChange an identity may have opened for another reason than time */
  constructor(
    identities: readonly Identity[],
    onChange: () => void,
    { log = null, now = steadyNow }: { log?: Logger | null; now?: () => number } = {},
  ) {
    this.identities = identities;
    this.#onChange = onChange;
    this.#log = log;
    this.#now = now;
  }

  /**
   * @param waiting requests that wait to be sent
   * @param turn what is served one at a time of the next one
   */
  next(waiting: number, turn: string | null = null): Opening {
    const now = this.#now();
    const spread = waiting > this.#availableRequests(now);
    let at = Infinity;
    let identity: Identity | null = null;
    for (const candidate of this.identities) {
      let opensAt = this.#opensAt(candidate, now, spread);
      // Who may not go at all takes nobody's turn.
      if (opensAt <= now && turn !== null) opensAt = candidate.turnstile(turn).opensAt(now);
      at = Math.min(at, opensAt);
      if (opensAt > now) continue;
      if (identity === null || this.#usedBefore(candidate, identity)) identity = candidate;
    }
    return { identity, at };
  }

  send(identity: Identity, turn: string | null = null): Ticket {
    const wasProven = identity.health.isProven;
    const turnstile = turn === null ? null : identity.turnstile(turn);
    turnstile?.entered();
    identity.health.sent();
    this.#lastUsed.set(identity, ++this.#uses);
    return {
      identity,
      dispatch: identity.budget.sent(this.#now()),
      turnstile,
      token: identity.credential?.token() ?? null,
      wasProven,
      tokenWasProven: identity.credential?.isProven ?? false,
    };
  }

  /**
   * @param outcome `null`: the request was given up before one was known
   * @param options.wasRefusedBefore the request had a 401 with a token that worked: another one is about the request
   */
  settle(ticket: Ticket, outcome: Outcome | null, reading: Reading, { wasRefusedBefore = false } = {}): void {
    const { identity, dispatch, token, turnstile } = ticket;
    const now = this.#now();
    const { health, budget, credential } = identity;
    const refusal = outcome?.kind === "throttled" ? outcome : null;
    const isOfTurn = turnstile !== null && refusal !== null && isOutOfTurn(refusal, reading);
    turnstile?.left(now, isOfTurn ? refusal : undefined);
    if (isCutOff(outcome)) budget.unsent(dispatch);
    else if (refusal && !isOfTurn) budget.throttled(dispatch, now, refusal.retryAfterMs, reading);
    else budget.answered(dispatch, now, reading);
    if (outcome?.kind === "ok" || outcome?.kind === "gone") {
      health.succeeded();
      if (token !== null) credential?.accepted(token);
    } else if (outcome && "reason" in outcome && isDeadEnd(outcome)) {
      health.cutOff(dispatch.sentAt, now, outcome.reason);
      this.#log?.warn(`${identity.name} is cut off (${outcome.reason})`);
    } else if (outcome?.kind === "blocked") {
      health.failed(dispatch.sentAt, now, outcome.reason);
      const secs = Math.ceil((health.opensAt(now) - now) / 1000);
      this.#log?.warn(`${identity.name} is blocked (${outcome.reason}); next try in ${secs} s`);
    } else if (outcome?.kind === "serverError" && outcome.status === null) {
      health.broke(dispatch.sentAt, now, outcome.reason);
    } else if (outcome?.kind === "retired") {
      health.undecided();
      this.retire(identity, outcome.reason);
    } else health.undecided();
    const isAboutToken = outcome?.kind === "unauthorized" && !wasRefusedBefore;
    if (isAboutToken && token !== null && credential && !this.#isOutdated(credential, dispatch))
      credential.refused(token);
    this.#onChange();
  }

  /** An identity is of no use any more. */
  retire(identity: Identity, reason: string): void {
    if (identity.health.retired === null)
      this.#log?.error(`${identity.name} is not used any more: ${reason}`);
    identity.health.retire(reason);
  }

  /** True when no identity is of use any more. */
  get isRetired(): boolean {
    return this.identities.every(
      ({ health, credential }) => (health.retired ?? credential?.retired ?? null) !== null,
    );
  }

  /** True when no identity has ever come through to the site, and each was tried often enough. */
  get isDead(): boolean {
    const open = this.identities.filter(({ health }) => health.retired === null);
    const isDead = ({ health, proxyUrl }: Identity) =>
      health.isDeadAfter(proxyUrl === null ? MAX_CUT_OFFS : MAX_PROXY_CUT_OFFS);
    return open.length > 0 && open.every(isDead);
  }

  /** A request that was handed out did not leave. */
  unsent({ identity, dispatch, turnstile }: Ticket): void {
    turnstile?.left(this.#now());
    identity.budget.unsent(dispatch);
    identity.health.undecided();
    this.#onChange();
  }

  /** True while a token is being asked for, which may open identities. */
  get isRenewing(): boolean {
    return [...this.#renewals.values()].some(({ running }) => running);
  }

  /** One line an identity: what keeps it from sending. */
  describeClosed(): string[] {
    const now = this.#now();
    return this.identities.map((identity) => {
      const retired = identity.health.retired ?? identity.credential?.retired;
      if (retired) return `${identity.name}: retired: ${retired}`;
      const at = this.#opensAt(identity, now, false);
      const when = Number.isFinite(at) ? `opens in ${Math.ceil((at - now) / 1000)} s` : "waits for a token";
      return `${identity.name}: ${identity.health.reason ?? "budget used up or backing off"}; ${when}`;
    });
  }

  #opensAt(identity: Identity, now: number, spread: boolean): number {
    const { credential, health, budget } = identity;
    if (credential?.retired) health.retire(credential.retired);
    const healthy = health.opensAt(now);
    if (healthy === Infinity) return Infinity;
    if (credential?.needsRenewal(now)) {
      const renewal = this.#renewal(credential);
      if (healthy <= now && renewal.notBefore <= now) void this.#renew(identity, credential);
      if (credential.token() === null)
        return renewal.running ? Infinity : Math.max(healthy, renewal.notBefore);
    }
    return Math.max(healthy, budget.opensAt(now, spread));
  }

  #renewal(credential: Credential): Renewal {
    let renewal = this.#renewals.get(credential);
    if (!renewal) {
      renewal = { failures: 0, notBefore: 0, running: false, renewedAt: -Infinity };
      this.#renewals.set(credential, renewal);
    }
    return renewal;
  }

  /** Whether the token was renewed since a request was sent. Its text does not tell: a site may issue the same again. */
  #isOutdated(credential: Credential, { sentAt }: Dispatch): boolean {
    return sentAt < this.#renewal(credential).renewedAt;
  }

  /** One renewal for all that wait; none of them holds a slot meanwhile. */
  async #renew(identity: Identity, credential: Credential): Promise<void> {
    const renewal = this.#renewal(credential);
    if (renewal.running) return;
    renewal.running = true;
    const startedAt = this.#now();
    const result = await credential.renew({ proxyUrl: identity.proxyUrl });
    renewal.running = false;
    const name = identity.name;
    if (result.kind === "renewed") this.#log?.info(`${name} has a new token`);
    else this.#log?.warn(result, `${name} got no token`);
    if (result.kind === "renewed") Object.assign(renewal, { failures: 0, renewedAt: this.#now() });
    else if (result.kind === "failed" && result.isDeadEnd) {
      identity.health.cutOff(startedAt, this.#now(), result.reason);
    } else if (result.kind === "failed" && result.viaProxy) {
      identity.health.failed(startedAt, this.#now(), result.reason);
    } else {
      const retryAfterMs = result.kind === "throttled" ? result.retryAfterMs : null;
      renewal.notBefore = this.#now() + backoffMs(++renewal.failures, retryAfterMs);
    }
    this.#onChange();
  }

  #availableRequests(now: number): number {
    const budgets = new Set(
      this.identities.filter(({ health }) => health.opensAt(now) <= now).map(({ budget }) => budget),
    );
    return [...budgets].reduce((sum, budget) => sum + budget.available(now), 0);
  }

  #usedBefore(a: Identity, b: Identity): boolean {
    return (this.#lastUsed.get(a) ?? 0) < (this.#lastUsed.get(b) ?? 0);
  }
}

/**
 * Whether a refusal of what is served one at a time is about that alone, as far as is told: the client has something
 * left, or the site does not say that it has to wait.
 */
function isOutOfTurn({ retryAfterMs }: { retryAfterMs: number | null }, reading: Reading): boolean {
  return isTold(reading) ? reading.remaining > 0 : retryAfterMs === null;
}
