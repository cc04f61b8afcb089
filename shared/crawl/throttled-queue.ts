import { Request } from "@crawlee/core";
import { steadyNow } from "../steady-clock.ts";
import type { Reading } from "./budget.ts";
import type { Identity } from "./identity.ts";
import type { Ticket } from "./identity-pool.ts";
import { type Lane, laneOf } from "./lane.ts";
import { describeSpent, isAffordable, type Spending } from "./spending.ts";
import { isCutOff, type Outcome } from "./outcome.ts";
import type { ClaimedRequest, Commit, Reclaim, RunStorage } from "./run-storage.ts";

/** One attempt of one request, from hand-out to settlement. */
export interface Lease {
  request: ClaimedRequest;
  lane: Lane;
  /** `null`: its lane is of no use any more and another one takes over, so nothing is to be sent. */
  ticket: Ticket | null;
  /** Aborted when the attempt is given up: its exchange ends, what its handler still does is void. */
  abort: AbortController;
  /** What becomes of the request; set by the attempt, stored when Crawlee reports it as done. */
  settlement: Settlement | null;
}

export type Settlement =
  /** `records`: to be stored once the commit is. */
  | ({ kind: "commit" } & Final)
  | { kind: "reclaim"; reclaim: Reclaim }
  /**
   * A fault of our own, which says nothing about the target: the request stays queued, and unless others get through, the
   * crawl has failed. `last`: how it is given up where they do.
   */
  | { kind: "hold"; reason: string; last?: Final };

interface Final {
  commit: Commit;
  records?: Map<string, unknown>;
}

/** What goes to the storage. */
export type Stored = Exclude<Settlement, { kind: "hold" }>;

/** A request that is kept back for a fault of our own. */
type Held = Pick<Extract<Settlement, { kind: "hold" }>, "reason" | "last"> & { request: ClaimedRequest };

export interface ThrottledQueueOptions {
  storage: RunStorage;
  /** A request is the first one's that serves it. */
  lanes: readonly Lane[];
  /** Crawlee's pool should look again. */
  wake: () => void;
  /** The run cannot go on: its storage fails. */
  onFatal: (error: Error) => void;
  /** Requests cannot be done for faults of our own, nothing else is left, and they are still queued. */
  onOwnFaults: (reason: string) => void;
  /** Called with what was stored, and what was lost to another attempt. */
  onSettled?: (settlement: Stored, result: "done" | "lost") => Promise<void>;
  /** Requests that may be sent in all; the crawl then ends, resumable. @default Infinity */
  maxRequests?: number;
  /** What the run's calls may cost; it then ends, resumable. */
  spending?: Spending;
  now?: () => number;
}

/** Where the next request can go. */
type Next =
  /** `identity` is `null` for a request that its retired lane hands over without a call. */
  | { index: number; lane: Lane; identity: Identity | null; turn: string | null }
  /**
   * None can be sent now; `at`: the earliest time that may change it. `isOpen`: all that is claimed waits for its turn,
   * and something else could go.
   */
  | { index: null; at: number; isOpen: boolean };

/** Requests claimed ahead of their hand-out: enough to keep a pool busy, few enough to leave work to others. */
const CLAIM_LIMIT = 25;
/** With fewer left, the next ones are claimed meanwhile: a claim takes a moment where it goes to a database. */
const CLAIM_BELOW = 10;
/** Requests that wait for their turn are claimed up to so many, to find others behind them. */
const MAX_IN_LINE = 250;
/** Outcomes that bring a crawl no further. */
const STUCK = new Set<Outcome["kind"]>(["throttled", "blocked", "unauthorized", "retired"]);
/** So many requests kept back say enough: the others would fare no better. */
const MAX_HELD = 100;
/** The count of what is pending only paces requests: it may be this old. */
const COUNT_EVERY_MS = 250;
/** How often the crawl looks whether it gets on. */
export const STALL_CHECK_MS = 1_000;
/** Longest time that a pool sleeps without looking at the storage: other processes may add to it. */
const MAX_SLEEP_MS = 1_000;

/**
 * Stands between Crawlee's crawler (as its `requestQueue`: it has the methods of a request manager) and the run
 * storage. It hands out a request only together with an identity that may send now; what has to wait waits here,
 * without a concurrency slot. `isEmpty` is true while nothing can be sent, `isFinished` only when nothing is left.
 */
export class ThrottledQueue {
  readonly #options: Required<Omit<ThrottledQueueOptions, "onSettled" | "spending">> & ThrottledQueueOptions;
  readonly #leases = new WeakMap<Request, Lease>();
  readonly #inFlight = new Set<Lease>();
  /** Those that are not given back. */
  readonly #tickets = new Set<Ticket>();
  readonly #commits: { settlement: Stored; done: () => void }[] = [];
  #ready: ClaimedRequest[] = [];
  #held: Held[] = [];
  /** The site has answered a request, one way or the other, or it was given up for the site's faults. */
  #hasGotThrough = false;
  #flushing = false;
  #stopped = false;
  #failed = false;
  #released = false;
  #isSpent = false;
  #sent = 0;
  #pending = 0;
  #countedAt = -Infinity;
  /** When a claim last brought nothing. */
  #foundNoneAt = -Infinity;
  #claiming: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #waitingSince: number | null = null;
  #waitedMs = 0;
  /** Time without progress that this process was awake to see: a machine that slept has lost none. */
  #stalledMs = 0;
  #checkedAt: number;

  constructor(options: ThrottledQueueOptions) {
    this.#options = { maxRequests: Infinity, now: steadyNow, ...options };
    this.#checkedAt = this.#options.now();
  }

  /** Time in which requests waited and no identity was open, in milliseconds. */
  get waitedMs(): number {
    const sinceMs = this.#waitingSince === null ? 0 : this.#options.now() - this.#waitingSince;
    return this.#waitedMs + sinceMs;
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  get sentCount(): number {
    return this.#sent;
  }

  /** The run's limit that ended it, with work left; `null` while none has. */
  get limitReached(): string | null {
    const { maxRequests, spending } = this.#options;
    if (this.#sent >= maxRequests) return `the limit of ${maxRequests} requests is reached`;
    return this.#isSpent && spending ? describeSpent(spending) : null;
  }

  /** Hands out nothing more; what is in flight goes on. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Gives back what was claimed and not handed out, and gives up what is in flight. */
  async release(): Promise<void> {
    this.stop();
    this.#released = true;
    for (const lease of this.#inFlight) lease.abort.abort();
    await this.#claiming;
    const reclaims = [...this.#ready, ...[...this.#inFlight, ...this.#held].map(({ request }) => request)];
    this.#ready = [];
    this.#held = [];
    await this.#options.storage.reclaimRequests(reclaims.map(({ id, attempt }) => ({ id, attempt })));
  }

  lease(request: Request): Lease {
    const lease = this.#leases.get(request);
    if (!lease) throw new Error(`request ${request.uniqueKey} was not handed out by this queue`);
    return lease;
  }

  /** The exchange of a lease is over: clocks learn from it before its handler runs. */
  exchanged(lease: Lease, outcome: Outcome | null, reading: Reading): void {
    const { ticket } = lease;
    if (!ticket || !this.#tickets.delete(ticket)) return;
    const stuck = outcome === null || STUCK.has(outcome.kind) || isCutOff(outcome);
    if (isCutOff(outcome)) this.#sent--;
    if (!stuck) this.#stalledMs = 0;
    const wasRefusedBefore = lease.request.errorMessages.some((message) =>
      message.startsWith("unauthorized"),
    );
    lease.lane.pool.settle(ticket, outcome, reading, { wasRefusedBefore });
  }

  /** A lease's request could not be sent. */
  unsent(lease: Lease): void {
    if (!lease.ticket || !this.#tickets.delete(lease.ticket)) return;
    this.#sent--;
    lease.lane.pool.unsent(lease.ticket);
  }

  /**
   * Why the crawl should end although requests are left: nothing will open within `maxStallMs`, or for that
   * long nothing got through. `null` while there is hope, or something is in flight. To be asked every
   * `STALL_CHECK_MS`: what passes beyond that between two calls does not count.
   */
  async stallReason(maxStallMs: number): Promise<string | null> {
    const now = this.#options.now();
    this.#stalledMs += Math.min(now - this.#checkedAt, STALL_CHECK_MS);
    this.#checkedAt = now;
    if (this.#inFlight.size > 0 || this.#stopped || this.limitReached !== null) return null;
    if (this.#ready.length === 0) return null;
    const { lanes } = this.#options;
    const next = this.#next();
    const states = () => lanes.flatMap(({ pool }) => pool.describeClosed()).join("\n  ");
    // A fallback takes over by itself.
    const isDead = ({ pool, hasFallback }: Lane) => pool.isDead && !hasFallback;
    if (this.#ready.every(({ url }) => isDead(laneOf(lanes, url)))) {
      return `no connection to the site has come about:\n  ${states()}`;
    }
    const isFarOff = next.index === null && next.at - now > maxStallMs;
    if (isFarOff && !lanes.some(({ pool }) => pool.isRenewing)) {
      return `no identity may send within ${maxStallMs / 1000} s (MAX_STALL_SECS):\n  ${states()}`;
    }
    if (this.#stalledMs > maxStallMs) {
      return `no request got through for ${maxStallMs / 1000} s (MAX_STALL_SECS):\n  ${states()}`;
    }
    return null;
  }

  async isEmpty(): Promise<boolean> {
    if (this.#stopped || this.limitReached !== null) return true;
    if (this.#ready.length === 0) await this.#claim();
    if (this.#ready.length === 0) {
      const readyInMs = await this.#options.storage.nextReadyInMs();
      this.#wakeIn(readyInMs ?? MAX_SLEEP_MS);
      return true;
    }
    await this.#claimBehind();
    const next = this.#next();
    // What is too dear ends the crawl, or waits for the cost of what is in flight.
    if (next.index !== null) return !this.#fitsBudget(next);
    this.#waitingSince ??= this.#options.now();
    this.#wakeIn(next.at - this.#options.now());
    return true;
  }

  async isFinished(): Promise<boolean> {
    if (this.#inFlight.size > 0 || this.#commits.length > 0) return false;
    if (this.#stopped || this.limitReached !== null) return true;
    if (this.#ready.length > 0) return false;
    if (this.#held.length > 0) {
      const { pending, delayed } = await this.#options.storage.counts();
      if (pending + delayed === 0) await this.#settleHeld();
      return this.#stopped;
    }
    return this.#options.storage.isFinished();
  }

  async fetchNextRequest(): Promise<Request | null> {
    if (this.#ready.length === 0) await this.#claim();
    if (this.#ready.length === 0 || this.#stopped || this.limitReached !== null) return null;
    await this.#claimBehind();
    // From here on without a pause: what is open now may be shut in the next moment.
    if (this.#stopped) return null;
    const next = this.#next();
    if (next.index === null || !this.#fitsBudget(next)) return null;
    const { lane, identity, turn } = next;
    const claimed = this.#ready.splice(next.index, 1)[0]!;
    if (this.#ready.length < CLAIM_BELOW && this.#pending > 0) this.#claimAhead();
    if (this.#waitingSince !== null) this.#waitedMs += this.#options.now() - this.#waitingSince;
    this.#waitingSince = null;
    if (identity) this.#sent++;
    const { url, uniqueKey, label, id, retryCount } = claimed;
    const request = new Request({ url, uniqueKey, label, id });
    request.retryCount = retryCount;
    const lease: Lease = {
      request: claimed,
      lane,
      ticket: identity && lane.pool.send(identity, turn),
      abort: new AbortController(),
      settlement: null,
    };
    this.#leases.set(request, lease);
    this.#inFlight.add(lease);
    if (lease.ticket) this.#tickets.add(lease.ticket);
    return request;
  }

  /** Crawlee: the request handler returned. What it settled is stored now. */
  async markRequestHandled(request: Request): Promise<void> {
    const lease = this.lease(request);
    // An attempt always settles; without that, the request goes back as it was.
    const { id, attempt } = lease.request;
    const settlement = lease.settlement ?? { kind: "reclaim", reclaim: { id, attempt } };
    if (settlement.kind === "hold") return this.#hold(lease, settlement);
    if (settlement.kind === "commit" && lease.ticket) this.#hasGotThrough = true;
    await this.#settle(lease, settlement);
  }

  /** Crawlee: the request handler threw or hung beyond all our own timeouts. */
  async reclaimRequest(request: Request): Promise<void> {
    const lease = this.lease(request);
    lease.abort.abort();
    const { id, attempt } = lease.request;
    const errorMessage = `handlerError: ${request.errorMessages.at(-1) ?? "the attempt was given up"}`;
    await this.#settle(lease, {
      kind: "reclaim",
      reclaim: { id, attempt, delayMs: 1_000, errorMessage },
    });
  }

  handledCount(): Promise<number> {
    return this.#options.storage.counts().then(({ handled, failed }) => handled + failed);
  }

  getTotalCount(): number {
    return this.#sent + this.#pending;
  }

  getPendingCount(): number {
    return this.#pending;
  }

  /** Part of Crawlee's interface. Requests are enqueued through handlers and start requests alone. */
  addRequest(): never {
    throw new Error("requests are added through the run storage");
  }

  addRequestsBatched(): never {
    return this.addRequest();
  }

  /** Requests that wait to be sent, as far as is known. */
  get #waiting(): number {
    return this.#ready.length + this.#pending;
  }

  /** The first request, of those that wait, whose lane may send or hands over. */
  #next(): Next {
    const { lanes } = this.#options;
    const closed = new Set<Lane>();
    const inLine = new Map(lanes.map((lane) => [lane, new Set<string>()]));
    let at = Infinity;
    for (const [index, { url }] of this.#ready.entries()) {
      const lane = laneOf(lanes, url);
      const turn = lane.site.oneAtATime?.(url) ?? null;
      if (closed.has(lane) || (turn !== null && inLine.get(lane)!.has(turn))) continue;
      if (lane.hasFallback && (lane.pool.isRetired || lane.pool.isDead))
        return { index, lane, identity: null, turn };
      const opening = lane.pool.next(this.#waiting, turn);
      if (opening.identity) return { index, lane, identity: opening.identity, turn };
      at = Math.min(at, opening.at);
      if (turn !== null) inLine.get(lane)!.add(turn);
      else if (closed.add(lane).size === lanes.length) break;
    }
    return { index: null, at, isOpen: lanes.some((lane) => !closed.has(lane) && inLine.get(lane)!.size > 0) };
  }

  /** Claims what stands behind requests that wait for their turn, until some of it can go: others go on meanwhile. */
  async #claimBehind(): Promise<void> {
    while (this.#hidesOthers(this.#next())) {
      const readyCount = this.#ready.length;
      await this.#claim();
      if (this.#ready.length <= readyCount) this.#foundNoneAt = this.#options.now();
    }
  }

  #hidesOthers(next: Next): boolean {
    if (next.index !== null || !next.isOpen || this.#pending === 0 || this.#stopped) return false;
    const isTooSoon = this.#options.now() - this.#foundNoneAt < COUNT_EVERY_MS;
    return !isTooSoon && this.#ready.length < MAX_IN_LINE;
  }

  /** Whether a call fits into what may be spent, with all that is in flight. */
  #fitsBudget({ index, lane, identity }: Extract<Next, { lane: Lane }>): boolean {
    const { spending } = this.#options;
    if (!spending || !identity) return true;
    const inFlight = [...this.#inFlight].map((lease) => ({ lane: lease.lane, url: lease.request.url }));
    const fits = isAffordable(spending, [...inFlight, { lane, url: this.#ready[index]!.url }]);
    // With something in flight, its cost may be counted twice.
    if (!fits && inFlight.length === 0) this.#isSpent = true;
    return fits;
  }

  #claim(): Promise<void> {
    this.#claiming ??= this.#claimNext().finally(() => (this.#claiming = null));
    return this.#claiming;
  }

  async #claimNext(): Promise<void> {
    for (const request of await this.#options.storage.claimRequests(CLAIM_LIMIT)) {
      const reason = this.#whyUnserved(request);
      if (reason === null) this.#ready.push(request);
      else this.#held.push({ request, reason });
    }
    await this.#countPending();
  }

  /** Why a request has no lane, as one of a source that is not used any more; `null`: it has one. */
  #whyUnserved({ url }: ClaimedRequest): string | null {
    try {
      laneOf(this.#options.lanes, url);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #hold(lease: Lease, { reason, last }: Extract<Settlement, { kind: "hold" }>): Promise<void> {
    // What could not be built was not sent.
    this.unsent(lease);
    this.#inFlight.delete(lease);
    if (this.#released || this.#failed) return;
    this.#held.push({ request: lease.request, reason, ...(last && { last }) });
    if (this.#held.length >= MAX_HELD) await this.#settleHeld();
    this.#options.wake();
  }

  /** Where others got through, what is held is given up if it can be; else the crawl has come to nothing. */
  async #settleHeld(): Promise<void> {
    const isOver = (held: Held) => this.#hasGotThrough && held.last !== undefined;
    const over = this.#held.filter(isOver);
    if (over.length === 0) return this.#options.onOwnFaults(describeHeld(this.#held, this.#hasGotThrough));
    this.#held = this.#held.filter((held) => !isOver(held));
    await Promise.all(over.map(({ last }) => this.#push({ kind: "commit", ...last! })));
  }

  #claimAhead(): void {
    this.#claim().catch((error: Error) => this.#fail(error));
  }

  async #countPending(): Promise<void> {
    const now = this.#options.now();
    if (now - this.#countedAt < COUNT_EVERY_MS) return;
    this.#countedAt = now;
    this.#pending = (await this.#options.storage.counts()).pending;
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    // Nothing is lost: what could not be stored is still in the queue for the next start.
    this.stop();
    for (const lease of this.#inFlight) lease.abort.abort();
    this.#options.onFatal(error);
  }

  /** Settlements that come while a flush is under way leave together with the next one. */
  async #settle(lease: Lease, settlement: Stored): Promise<void> {
    // An attempt that never came to send anything has used nothing up.
    this.exchanged(lease, null, null);
    // Given back already, or cannot be: nothing of it is to be stored.
    if (this.#released || this.#failed) return void this.#inFlight.delete(lease);
    await this.#push(settlement);
    this.#inFlight.delete(lease);
    this.#options.wake();
  }

  async #push(settlement: Stored): Promise<void> {
    const stored = new Promise<void>((done) => this.#commits.push({ settlement, done }));
    if (!this.#flushing) void this.#flush();
    await stored;
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    // Handlers that end in this turn of the event loop belong to this group.
    await new Promise(setImmediate);
    while (this.#commits.length > 0) {
      const group = this.#commits.splice(0);
      try {
        await this.#store(group.map(({ settlement }) => settlement));
      } catch (error) {
        this.#fail(error as Error);
      }
      for (const { done } of group) done();
    }
    this.#flushing = false;
  }

  async #store(settlements: Stored[]): Promise<void> {
    const { storage, onSettled } = this.#options;
    const commits = settlements.filter((settlement) => settlement.kind === "commit");
    const reclaims = settlements.filter((settlement) => settlement.kind === "reclaim");
    if (commits.length > 0) {
      const results = await storage.commitRequests(commits.map(({ commit }) => commit));
      for (const [i, settlement] of commits.entries()) await onSettled?.(settlement, results[i]!);
    }
    if (reclaims.length > 0) {
      await storage.reclaimRequests(reclaims.map(({ reclaim }) => reclaim));
      for (const settlement of reclaims) await onSettled?.(settlement, "done");
    }
    await this.#countPending();
  }

  #wakeIn(delayMs: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#options.wake, Math.min(Math.max(1, delayMs), MAX_SLEEP_MS));
    this.#timer.unref();
  }
}

const SHOWN_REASONS = 3;

function describeHeld(held: readonly Held[], hasGotThrough: boolean): string {
  const counts = new Map<string, number>();
  for (const { reason } of held) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].sort(([, a], [, b]) => b - a);
  const shown = reasons.slice(0, SHOWN_REASONS).map(([reason, n]) => (n === 1 ? reason : `${reason} (${n})`));
  const more = reasons.length > shown.length ? `; and ${reasons.length - shown.length} more reasons` : "";
  const requests = `${held.length} ${held.length === 1 ? "request" : "requests"}`;
  return (
    `${hasGotThrough ? requests : `nothing came of ${requests}`}, for faults of this program or its settings, not of the site's: ` +
    `${shown.join("; ")}${more}; what is left stays queued`
  );
}
