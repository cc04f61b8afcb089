import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BudgetReading } from "../../shared/crawl/budget.ts";
import { SharedBudget } from "../../shared/crawl/postgres/shared-budget.ts";
import { SharedPace } from "../../shared/crawl/postgres/shared-pace.ts";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(async () => {
  await Promise.all(alive.map((each) => each.die()));
  await cluster.stop();
});

const CEILING = { requests: 1_000, windowMs: 600_000 };
const alive: Process[] = [];
let keys = 0;

interface SiteOptions {
  /** Allowed in a window. */
  requests: number;
  windowMs: number;
  hasHeaders?: boolean;
  usedByOthers?: number;
}

/** A site that counts one client in fixed windows and says so, if it has headers. */
class StrictSite {
  readonly key = `client ${++keys}`;
  readonly windows: number[] = [];
  over = 0;
  /** Answers 429 with this Retry-After, whatever the count. */
  retryAfterMs: number | null = null;
  readonly sentAt: number[] = [];
  readonly #startedAt = Date.now();
  readonly #options: SiteOptions;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  get window(): number {
    return Math.floor((Date.now() - this.#startedAt) / this.#options.windowMs);
  }

  async ask(): Promise<{ throttled: boolean; reading: BudgetReading | null }> {
    const { requests, windowMs, hasHeaders = true, usedByOthers = 0 } = this.#options;
    this.sentAt.push(Date.now());
    if (this.retryAfterMs !== null) return { throttled: true, reading: null };
    const { window } = this;
    const used = (this.windows[window] = (this.windows[window] ?? usedByOthers) + 1);
    const resetMs = this.#startedAt + (window + 1) * windowMs - Date.now();
    if (used > requests) this.over++;
    const reading = hasHeaders ? { used, remaining: Math.max(0, requests - used), resetMs } : null;
    await sleep(5 + Math.random() * 20);
    return { throttled: used > requests, reading };
  }
}

/** A part of a crawl, with a clock of its own. */
class Process {
  readonly budget: SharedBudget | SharedPace;
  readonly now: () => number;
  statements = 0;
  sent = 0;
  /** The answer of the next statement gets lost. */
  losesAnswer = false;
  #isAlive = true;
  #ended: Promise<unknown> = Promise.resolve();
  #wake = () => {};

  constructor(site: StrictSite, { ceiling = CEILING, clockMs = 0, isPaced = false } = {}) {
    alive.push(this);
    this.now = () => Date.now() + clockMs;
    const query = this.#query.bind(this);
    const client = { query, release: () => {} };
    this.budget = new (isPaced ? SharedPace : SharedBudget)({
      pool: { query, connect: async () => client } as unknown as Database["pool"],
      owner: { site: "test", key: site.key, name: "main", ceiling, isPaced },
      wake: () => this.#wake(),
      onError: (error) => {
        throw error;
      },
      now: this.now,
    });
  }

  /** Resolves when the budget is open, or the process dead. */
  async untilOpen(spread = false): Promise<void> {
    while (this.#isAlive) {
      const waitMs = this.budget.opensAt(this.now(), spread) - this.now();
      if (waitMs <= 0) return;
      const woken = new Promise<void>((wake) => (this.#wake = wake));
      await Promise.race([sleep(Math.min(waitMs, 50)), woken]);
    }
  }

  /** Only when it is open. */
  async send(site: StrictSite): Promise<void> {
    this.sent++;
    const dispatch = this.budget.sent(this.now());
    const { throttled, reading } = await site.ask();
    if (throttled) this.budget.throttled(dispatch, this.now(), site.retryAfterMs, reading);
    else this.budget.answered(dispatch, this.now(), reading);
  }

  /** Sends as often as it may, until it dies. */
  run(site: StrictSite, spread = true): this {
    this.#ended = this.#run(site, spread);
    return this;
  }

  /** Tells nobody. */
  async die(): Promise<void> {
    this.#isAlive = false;
    await this.#ended;
  }

  async #run(site: StrictSite, spread: boolean): Promise<void> {
    while (this.#isAlive) {
      await this.untilOpen(spread);
      if (this.#isAlive) void this.send(site);
    }
  }

  async #query(text: string, values: unknown[]): Promise<unknown> {
    // What a dead process would say never arrives.
    if (!this.#isAlive) return new Promise(() => {});
    this.statements++;
    const result = await database.pool.query(text, values);
    if (!this.losesAnswer) return result;
    this.losesAnswer = false;
    throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  }
}

interface Row {
  sent: number;
  left_requests: number;
  left_at_least: number | null;
  /** Handed out and not answered. */
  slots: number;
}

async function readRow(site: StrictSite): Promise<Row> {
  const { rows } = await database.pool.query(
    `select b.*, (select sum(slots) from budget_slices where budget = b.name) as slots
    from budgets b where name = $1`,
    [site.key],
  );
  return rows[0];
}

describe.concurrent("a budget that several processes share", () => {
  it("is used up and never exceeded, whatever their clocks say, also when one of them dies", async () => {
    const site = new StrictSite({ requests: 450, windowMs: 3_000 });
    const processes = [0, 3_600_000, -5_000, 0].map((clockMs) => new Process(site, { clockMs }).run(site));
    while (site.window < 2) await sleep(20);
    await processes[0]!.die();
    while (site.window < 4) await sleep(20);
    await Promise.all(processes.map((each) => each.die()));

    expect(site.over).toBe(0);
    const whole = site.windows.slice(1, 4);
    expect(whole.reduce((sum, used) => sum + used, 0) / 1_350).toBeGreaterThan(0.85);
    for (const { sent } of processes) expect(sent).toBeGreaterThan(50);
    const statements = processes.reduce((sum, each) => sum + each.statements, 0);
    expect(statements).toBeLessThan(site.sentAt.length);
  });

  it("opens a window with one request alone, and with a second one when that hangs", async () => {
    const site = new StrictSite({ requests: 100, windowMs: 60_000 });
    const processes = [1, 2, 3].map(() => new Process(site));
    const open: Process[] = [];
    for (const each of processes) {
      void each.untilOpen().then(() => {
        open.push(each);
        return each.budget.sent(each.now());
      });
    }
    await sleep(1_500);
    expect(open).toHaveLength(1);
    await sleep(1_500);
    expect(open).toHaveLength(2);
  });

  it("does without the site's headers: the ceiling is the window", async () => {
    const site = new StrictSite({ requests: Infinity, windowMs: 60_000, hasHeaders: false });
    const ceiling = { requests: 30, windowMs: 2_000 };
    const processes = [1, 2].map(() => new Process(site, { ceiling }).run(site));
    await sleep(1_900);
    expect(site.sentAt.length).toBeGreaterThan(20);
    expect(site.sentAt.length).toBeLessThanOrEqual(30);
    await sleep(1_000);
    expect(site.sentAt.length).toBeGreaterThan(30);
    await Promise.all(processes.map((each) => each.die()));
  });

  it("has no more than the last window where nothing tells what the next one has, until an answer does", async () => {
    const site = new StrictSite({ requests: 20, windowMs: 60_000 });
    const process = new Process(site);
    const { budget, now } = process;
    const exchange = async (reading: BudgetReading | null) => {
      await process.untilOpen();
      budget.answered(budget.sent(now()), now(), reading);
    };
    await exchange({ used: 1, remaining: 19, resetMs: 500 });
    await sleep(700);
    await exchange(null);
    await process.untilOpen();
    expect(await readRow(site)).toMatchObject({ left_requests: 19 });
    await exchange({ used: 7, remaining: 13, resetMs: 30_000 });
    await budget.close();
    expect(await readRow(site)).toMatchObject({ left_requests: 13 });
  });

  it("is not told by an older answer that more is left when a newer one told nothing", async () => {
    const site = new StrictSite({ requests: 20, windowMs: 60_000 });
    const [older, newer] = [new Process(site), new Process(site)];
    await older.untilOpen();
    await older.send(site);
    const early = [older, newer].map(async (each) => {
      await each.untilOpen();
      return each.budget.sent(each.now());
    });
    const [first, second] = await Promise.all(early);
    newer.budget.answered(second!, newer.now(), null);
    await newer.budget.close();
    older.budget.answered(first!, older.now(), { used: 2, remaining: 18, resetMs: 59_000 });
    await older.budget.close();
    expect(await readRow(site)).toMatchObject({ left_requests: 17, slots: 0 });
  });

  it("has no more in flight than it has left for certain, where the site tells of a shorter window only", async () => {
    const site = new StrictSite({ requests: 1_000, windowMs: 60_000 });
    const processes = [new Process(site), new Process(site)];
    const send = async (from: Process) => {
      await from.untilOpen();
      return from.budget.sent(from.now());
    };
    for (const from of [...processes, processes[0]!])
      from.budget.answered(await send(from), from.now(), null, 3);
    const [mine, others] = [await send(processes[0]!), await send(processes[1]!), await send(processes[0]!)];
    let isOpen = false;
    const next = processes[1]!.untilOpen().then(() => (isOpen = true));
    const before = processes[1]!.statements;
    await sleep(500);
    expect(isOpen).toBe(false);
    expect(processes[1]!.statements - before).toBeLessThanOrEqual(6);
    processes[0]!.budget.answered(mine!, processes[0]!.now(), null, 8);
    await next;
    // The other one may have been counted after it.
    processes[1]!.budget.answered(others!, processes[1]!.now(), null, 9);
    await processes[1]!.budget.close();
    expect(await readRow(site)).toMatchObject({ left_at_least: 8, slots: 1 });
  });

  it("keeps below the ceiling that the operator set, by our own requests where the site allows more", async () => {
    const site = new StrictSite({ requests: 1_000, windowMs: 60_000, usedByOthers: 500 });
    const ceiling = { requests: 50, windowMs: 60_000 };
    const processes = [1, 2].map(() => new Process(site, { ceiling }).run(site, false));
    await sleep(2_500);
    expect(site.sentAt.length).toBe(50);
    await Promise.all(processes.map((each) => each.die()));
  });

  it("stays shut for everybody after a 429, for as long as Retry-After says", async () => {
    const site = new StrictSite({ requests: 10_000, windowMs: 10_000 });
    const processes = [1, 2].map(() => new Process(site).run(site));
    await sleep(700);
    site.retryAfterMs = 1_500;
    const shutAt = Date.now();
    await sleep(1_000);
    const statements = () => processes.reduce((sum, each) => sum + each.statements, 0);
    const before = statements();
    await sleep(300);
    // Nobody asks again and again.
    expect(statements() - before).toBeLessThanOrEqual(4);
    const since = () => site.sentAt.filter((at) => at > shutAt);
    // A process learns it from its own 429, or with its next slice.
    expect(since().length).toBeLessThanOrEqual(4);
    expect(since().filter((at) => at > shutAt + 1_000)).toEqual([]);
    site.retryAfterMs = null;
    await sleep(2_000);
    expect(since().length).toBeGreaterThan(10);
    expect(since().find((at) => at > shutAt + 1_000)! - shutAt).toBeGreaterThan(1_450);
    await Promise.all(processes.map((each) => each.die()));
    for (const { budget } of processes) expect(budget.stats.throttled).toBeGreaterThan(0);
  });

  it("gets back what a process took and does not need", async () => {
    const site = new StrictSite({ requests: 200, windowMs: 60_000 });
    const process = new Process(site);
    await process.untilOpen();
    await process.send(site);
    await process.untilOpen();
    expect((await readRow(site)).slots).toBe(25);
    await sleep(3_500);
    expect(await readRow(site)).toMatchObject({ slots: 0, left_requests: 199, sent: 1 });

    await process.untilOpen();
    await process.budget.close();
    expect(await readRow(site)).toMatchObject({ slots: 0, left_requests: 199 });
  });

  it("takes what a dead process held for used", async () => {
    const site = new StrictSite({ requests: 200, windowMs: 60_000 });
    const [dead, other] = [new Process(site), new Process(site)];
    await dead.untilOpen();
    await dead.send(site);
    await dead.untilOpen();
    await dead.die();
    await other.untilOpen();
    expect(await readRow(site)).toMatchObject({ left_requests: 199, slots: 50 });
    await database.pool.query("update budget_slices set expires_at = now() where budget = $1", [site.key]);
    await other.budget.close();
    expect(await readRow(site)).toMatchObject({ left_requests: 174, slots: 0 });
  });

  it("counts nothing twice when the answer of a statement gets lost", async () => {
    const site = new StrictSite({ requests: 200, windowMs: 60_000, hasHeaders: false });
    const process = new Process(site, { ceiling: { requests: 200, windowMs: 60_000 } });
    await process.untilOpen();
    await process.send(site);
    process.losesAnswer = true;
    await process.untilOpen();
    expect(await readRow(site)).toMatchObject({ sent: 1, left_requests: 199, slots: 1 });
    await process.send(site);
    process.losesAnswer = true;
    await process.budget.close();
    expect(await readRow(site)).toMatchObject({ sent: 2, left_requests: 198, slots: 0 });
  });
});

describe.concurrent("a rate a second that several processes share", () => {
  const PACED = { ceiling: { requests: 20, windowMs: 1_000 }, isPaced: true };

  it("is never exceeded and nearly used up, whatever their clocks say, with few statements", async () => {
    const site = new StrictSite({ requests: 20, windowMs: 1_000 });
    const processes = [0, 3_600_000, -5_000, 0].map((clockMs) =>
      new Process(site, { ...PACED, clockMs }).run(site),
    );
    while (site.window < 5) await sleep(20);
    await Promise.all(processes.map((each) => each.die()));
    expect(site.over).toBe(0);
    const whole = site.windows.slice(1, 5);
    expect(whole.reduce((sum, used) => sum + used, 0) / 80).toBeGreaterThan(0.6);
    for (const { sent } of processes) expect(sent).toBeGreaterThan(5);
    const statements = processes.reduce((sum, each) => sum + each.statements, 0);
    expect(statements).toBeLessThan(site.sentAt.length);
  });

  it("is one process's own while the others need nothing, and takes times ahead for what that uses", async () => {
    const site = new StrictSite({ requests: 20, windowMs: 1_000 });
    const idle = new Process(site, PACED);
    await idle.untilOpen();
    const busy = new Process(site, PACED).run(site);
    while (site.window < 3) await sleep(20);
    await busy.die();
    expect(busy.sent).toBeGreaterThan(40);
    expect(busy.statements).toBeLessThan(busy.sent / 3);
    expect(idle.statements).toBe(1);
  });

  it("stays shut for everybody after a 429", async () => {
    const site = new StrictSite({ requests: 1_000, windowMs: 1_000 });
    const processes = [1, 2].map(() => new Process(site, PACED).run(site));
    await sleep(700);
    site.retryAfterMs = 1_500;
    const shutAt = Date.now();
    await sleep(1_000);
    site.retryAfterMs = null;
    await sleep(2_000);
    await Promise.all(processes.map((each) => each.die()));
    const since = site.sentAt.filter((at) => at > shutAt);
    const [first] = since.filter((at) => at > shutAt + 700);
    expect(first! - shutAt).toBeGreaterThan(1_450);
    expect(since.length).toBeGreaterThan(10);
  });
});
