import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import { windowEnd, type Budget, type BudgetReading, type Dispatch, type Reading } from "../budget.ts";
import type { BudgetOwner } from "../identities.ts";
import { steadyNow } from "../../steady-clock.ts";

export interface SharedBudgetOptions {
  pool: Pool;
  owner: BudgetOwner;
  /** It may have opened for another reason than time. */
  wake: () => void;
  /** The database cannot be asked; the budget stays shut and is asked for again. */
  onError: (error: Error) => void;
  now?: () => number;
}

/** A request that may be sent. */
interface Slot {
  notBefore: number;
  /** After this the database takes it for used. */
  until: number;
  isProbe: boolean;
}

interface SharedDispatch extends Dispatch {
  isProbe: boolean;
  /** Requests of all processes that are known to have been over before. */
  settledBefore: number;
}

interface Answer extends SharedDispatch {
  answeredAt: number;
  reading: BudgetReading | null;
  atLeast?: number | undefined;
  throttled: { retryAfterMs: number | null } | null;
  /** The window has less than all were told. */
  isLess: boolean;
}

/** What the SQL function `budget_turn` answers; times count from its moment. */
interface Turn {
  slots: number;
  isProbe: boolean;
  firstInMs: number | null;
  gapMs: number;
  expiresInMs: number;
  retryInMs: number | null;
  available: number;
  left: number;
  windowEndsInMs: number | null;
  backoffInMs: number | null;
  settled: number;
}

/** What a turn asks for. */
interface Wish {
  want: number;
  spread: boolean;
}
const NOTHING: Wish = { want: 0, spread: false };

/** Requests asked for at once. */
export const MAX_SLOTS = 25;
/** What was learned waits this long for a turn that asks for more. */
const REPORT_WITHIN_MS = 1_000;
/** A crawl with work to do asks more often whether it may send. */
const IDLE_AFTER_MS = 1_500;
/** Until a turn that is under way is looked for again; its end wakes the crawl. */
export const TURN_PATIENCE_MS = 1_000;
export const ERROR_PAUSE_MS = 5_000;
const PATIENCE_MS = 300_000;
/** What is not told at the end counts as used. */
const CLOSING_PATIENCE_MS = 5_000;

/**
 * A budget that any number of processes use: its clocks are a row of `budgets`, by the database's time. This process
 * takes slices of the window ahead, at most one call a request and one for many where many may go, and the same call
 * reports what the answers before told. What a process holds when it dies counts as used.
 */
export class SharedBudget implements Budget {
  readonly name: string;
  readonly ceiling: Budget["ceiling"];
  readonly #options: Required<SharedBudgetOptions>;
  /** Unlike every other user of the row. */
  readonly #self = randomUUID();
  #slots: Slot[] = [];
  #answers: Answer[] = [];
  /** Slots that will not be used. */
  #released = 0;
  #turns = 0;
  #turn: Promise<void> | null = null;
  #retryAt = -Infinity;
  /** The newest answer with headers had some that cannot be read. */
  #isUnreadable = false;
  /** How long the database may be away. */
  #patienceMs = PATIENCE_MS;
  #timer: NodeJS.Timeout | null = null;
  #askedAt = -Infinity;
  #windowEndsAt: number | null = null;
  #left = 0;
  /** As of the last turn, beside this process's own slots. */
  #available = 0;
  /** Requests that are over, ever: those that the database knew of, and since then this process's own. */
  #settled = 0;
  #sent = 0;
  #throttled = 0;

  constructor(options: SharedBudgetOptions) {
    this.#options = { now: steadyNow, ...options };
    this.name = options.owner.name;
    this.ceiling = options.owner.ceiling;
  }

  get stats(): Budget["stats"] {
    const isKnown = this.#isWindowOpen(this.#options.now());
    return { sent: this.#sent, throttled: this.#throttled, left: isKnown ? Math.max(0, this.#left) : null };
  }

  available(now: number): number {
    return this.#isWindowOpen(now) ? this.#available + this.#slots.length : Infinity;
  }

  opensAt(now: number, spread: boolean): number {
    this.#askedAt = now;
    this.#release((slot) => slot.until <= now);
    const [slot] = this.#slots;
    if (slot) return Math.max(now, slot.notBefore);
    if (this.#turn === null && now < this.#retryAt) return this.#retryAt;
    void this.#take(this.#isUnreadable ? { want: 1, spread: true } : { want: MAX_SLOTS, spread });
    return now + TURN_PATIENCE_MS;
  }

  sent(now: number): Dispatch {
    const slot = this.#slots.shift();
    if (!slot) throw new Error(`budget ${this.name} is not open`);
    this.#sent++;
    const dispatch: SharedDispatch = { sentAt: now, isProbe: slot.isProbe, settledBefore: this.#settled };
    return dispatch;
  }

  unsent(dispatch: Dispatch): void {
    this.#sent--;
    this.#released++;
    // Everybody waits for a probe.
    if ((dispatch as SharedDispatch).isProbe) void this.#take(NOTHING);
    else this.#reportLater();
  }

  answered(dispatch: Dispatch, now: number, told: Reading, atLeast?: number): void {
    const reading = this.#read(told);
    // Not even what nobody has taken is left: what was handed out is in doubt.
    const isLess = reading !== null && this.#isWindowOpen(now) && reading.remaining < this.#available;
    if (isLess) this.#release(() => true);
    this.#learn({
      ...(dispatch as SharedDispatch),
      answeredAt: now,
      reading,
      atLeast,
      throttled: null,
      isLess,
    });
  }

  throttled(dispatch: Dispatch, now: number, retryAfterMs: number | null, reading: Reading): void {
    this.#throttled++;
    this.#release(() => true);
    this.#learn({
      ...(dispatch as SharedDispatch),
      answeredAt: now,
      reading: this.#read(reading),
      throttled: { retryAfterMs },
      isLess: false,
    });
  }

  /** Gives back what is not used, and tells what is known. */
  async close(): Promise<void> {
    while (this.#turn) await this.#turn;
    this.#release(() => true);
    this.#patienceMs = CLOSING_PATIENCE_MS;
    await this.#take(NOTHING);
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Where nobody knows what is left, no more is taken ahead. */
  #read(reading: Reading): BudgetReading | null {
    if (reading !== null) this.#isUnreadable = reading === "unreadable";
    if (reading !== "unreadable") return reading;
    this.#release(() => true);
    return null;
  }

  #learn(answer: Answer): void {
    this.#answers.push(answer);
    this.#settled++;
    if (isUrgent(answer)) void this.#take(NOTHING);
    else this.#reportLater();
  }

  #release(isVoid: (slot: Slot) => boolean): void {
    const kept = this.#slots.filter((slot) => !isVoid(slot));
    this.#released += this.#slots.length - kept.length;
    this.#slots = kept;
  }

  #reportLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const now = this.#options.now();
      const isIdle = now - this.#askedAt > IDLE_AFTER_MS;
      this.#release((slot) => isIdle || slot.until <= now);
      if (this.#answers.length + this.#released > 0) void this.#take(NOTHING);
      else if (this.#slots.length > 0) this.#reportLater();
    }, REPORT_WITHIN_MS).unref();
  }

  /** One turn at a time: what comes during one waits for the next. */
  #take(wish: Wish): Promise<void> {
    this.#turn ??= this.#takeTurn(wish).finally(() => {
      this.#turn = null;
      if (this.#answers.some(isUrgent)) void this.#take(NOTHING);
      else if (this.#answers.length + this.#released + this.#slots.length > 0) this.#reportLater();
      this.#options.wake();
    });
    return this.#turn;
  }

  async #takeTurn({ want, spread }: Wish): Promise<void> {
    const { owner, now, onError } = this.#options;
    const answers = this.#answers.splice(0);
    const released = this.#released;
    this.#released = 0;
    const turn = ++this.#turns;
    let askedAt = 0;
    const ask = () => {
      askedAt = now();
      return JSON.stringify({
        turn,
        site: owner.site,
        ceilingRequests: owner.ceiling.requests,
        windowMs: owner.ceiling.windowMs,
        answers: answers.map((answer) => this.#toReport(answer, askedAt)),
        released,
        want,
        spread,
      });
    };
    try {
      const { rows } = await withRetry(() => this.#call(ask), { maxMs: this.#patienceMs });
      this.#apply(rows[0]!.turn, askedAt, want);
    } catch (error) {
      this.#retryAt = now() + ERROR_PAUSE_MS;
      if (this.#patienceMs === PATIENCE_MS) onError(error as Error);
    }
  }

  /** Asks when a connection is there: ages are those of that moment. */
  async #call(ask: () => string): Promise<{ rows: { turn: Turn }[] }> {
    const { pool, owner } = this.#options;
    const client = await pool.connect();
    try {
      const answer = await client.query<{ turn: Turn }>("select budget_turn($1, $2, $3) as turn", [
        owner.key,
        this.#self,
        ask(),
      ]);
      client.release();
      return answer;
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  }

  /** Ages instead of times: the database has a clock of its own. */
  #toReport(
    { sentAt, answeredAt, isProbe, settledBefore, reading, atLeast, throttled }: Answer,
    at: number,
  ): object {
    const end = reading && windowEnd(sentAt, answeredAt, reading);
    return {
      sentMsAgo: at - sentAt,
      isProbe,
      settledBefore,
      atLeast,
      throttled,
      reading: end && { ...reading, endsInMs: end.latest - at, endsAfterMs: end.earliest - at },
    };
  }

  #apply(turn: Turn, askedAt: number, want: number): void {
    this.#windowEndsAt = turn.windowEndsInMs === null ? null : askedAt + turn.windowEndsInMs;
    this.#left = turn.left;
    this.#available = turn.available;
    this.#settled = turn.settled + this.#answers.length;
    // A 429 that came meanwhile, or word of less: what was handed out before it does not count.
    const isInDoubt = turn.backoffInMs !== null || this.#answers.some((one) => one.throttled || one.isLess);
    if (want > 0) this.#addSlots(turn, askedAt);
    if (isInDoubt) this.#release(() => true);
  }

  /** What opens counts from now, what closes from when the database was asked: never early, never too late. */
  #addSlots({ slots, isProbe, firstInMs, gapMs, expiresInMs, retryInMs }: Turn, askedAt: number): void {
    const now = this.#options.now();
    this.#retryAt = retryInMs === null ? -Infinity : now + retryInMs;
    const until = Math.min(askedAt + expiresInMs, this.#windowEndsAt ?? Infinity);
    for (let i = 0; i < slots; i++) {
      this.#slots.push({ notBefore: now + (firstInMs ?? 0) + i * gapMs, until, isProbe });
    }
  }

  #isWindowOpen(now: number): boolean {
    return this.#windowEndsAt !== null && now < this.#windowEndsAt;
  }
}

/** Everybody waits for what a probe finds out, and nobody may go on after a 429, or with what is not left. */
function isUrgent({ isProbe, throttled, isLess }: Answer): boolean {
  return isProbe || throttled !== null || isLess;
}
