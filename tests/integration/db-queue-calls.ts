import type { Pool } from "pg";
import type {
  AddResult,
  ClaimedRequest,
  Commit,
  CommitResult,
  NewRequest,
  PushedItem,
  Reclaim,
  RequestCounts,
} from "../../shared/crawl/run-storage.ts";

/** The functions of a run's queue, called as they are. */
export class Queue {
  readonly pool: Pool;
  readonly run: number;
  readonly owner: string;

  constructor(pool: Pool, run: number, owner = "me") {
    this.pool = pool;
    this.run = run;
    this.owner = owner;
  }

  static async open(pool: Pool, id = "run1"): Promise<Queue> {
    const { rows } = await pool.query("select open_run($1, 'reddit', '{}') as number", [id]);
    return new Queue(pool, rows[0].number);
  }

  as(owner: string): Queue {
    return new Queue(this.pool, this.run, owner);
  }

  add(requests: NewRequest[], forefront = false): Promise<AddResult[]> {
    return this.#call("add_requests", [this.run, JSON.stringify(requests), forefront]);
  }

  claim(limit: number, leaseSecs = 60): Promise<ClaimedRequest[]> {
    return this.#call("claim_requests", [this.run, this.owner, limit, leaseSecs]);
  }

  commit(commits: Commit[]): Promise<CommitResult[]> {
    return this.#call("commit_requests", [this.run, this.owner, JSON.stringify(commits)]);
  }

  reclaim(reclaims: Reclaim[]): Promise<void> {
    return this.#call("reclaim_requests", [this.run, this.owner, JSON.stringify(reclaims)]);
  }

  renew(ids: string[], leaseSecs = 60): Promise<string[]> {
    return this.#call("renew_leases", [this.run, this.owner, ids, leaseSecs]);
  }

  counts(): Promise<RequestCounts> {
    return this.#call("count_requests", [this.run]);
  }

  itemCounts(): Promise<Record<string, number>> {
    return this.#call("count_items", [this.run]);
  }

  state(): Promise<{ isEmpty: boolean; isFinished: boolean; nextReadyInMs: number | null }> {
    return this.#call("queue_state", [this.run]);
  }

  /** Adds a request, claims it and commits it with `items`. */
  async push(items: PushedItem[], uniqueKey: string = Math.random().toString()): Promise<void> {
    await this.add([request(uniqueKey)], true);
    const [claimed] = await this.claim(1);
    const results = await this.commit([commit(claimed!, { items })]);
    if (results[0] !== "done") throw new Error(`${uniqueKey} is ${results[0]}`);
  }

  async #call<Result>(name: string, values: unknown[]): Promise<Result> {
    const places = values.map((_, index) => `$${index + 1}`).join(", ");
    const { rows } = await this.pool.query(`select ${name}(${places}) as result`, values);
    return rows[0].result;
  }
}

export function request(uniqueKey: string, fields: Partial<NewRequest> = {}): NewRequest {
  return { url: `https://example.com/${uniqueKey}`, uniqueKey, label: "PAGE", userData: {}, ...fields };
}

export function commit(
  { id, attempt }: Pick<ClaimedRequest, "id" | "attempt">,
  effects: Partial<Commit> = {},
): Commit {
  return { id, attempt, outcome: "handled", items: [], children: [], ...effects };
}
