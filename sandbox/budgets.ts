/** How many requests a client or an address may make in each fixed window. */
export interface Allowance {
  requests: number;
  windowSecs: number;
}

export interface Verdict {
  /** `blocked`: went on after too many answers that said stop. */
  kind: "open" | "over" | "blocked";
  /** Counts from the world's start; windows of all owners begin together. */
  window: number;
  /** Requests in this window, this one included; those made while blocked are not counted. */
  used: number;
  remaining: number;
  /** Virtual seconds to the end of the window, or of the block. */
  resetSecs: number;
}

/** One owner's window, for `/_sandbox/stats`. */
export interface WindowStats {
  owner: string;
  window: number;
  requests: number;
  /** Requests that were answered with "too many". */
  over: number;
  /** Blocks that began. */
  blocks: number;
  /** Requests made while blocked. */
  blocked: number;
}

export interface Budgets {
  /** Counts one request of `owner` at `now` and says whether it is within the allowance. */
  count(owner: string, allowance: Allowance, now: number): Verdict;
  /** The newest windows, oldest first. */
  stats(): WindowStats[];
}

/** Over-budget requests in a window that are answered before the owner is blocked. */
const PATIENCE = 20;
const MAX_STATS = 20_000;

/** @param blockSecs how long the first block lasts; each further one of the same owner lasts twice as long */
export function createBudgets(startAt: number, blockSecs: number): Budgets {
  const owners = new Map<string, { current: WindowStats; blockedUntil: number; blocks: number }>();
  const stats: WindowStats[] = [];

  function ownerAt(name: string, window: number) {
    let owner = owners.get(name);
    if (!owner || owner.current.window !== window) {
      const current = { owner: name, window, requests: 0, over: 0, blocks: 0, blocked: 0 };
      if (owner) owner.current = current;
      else owners.set(name, (owner = { current, blockedUntil: -Infinity, blocks: 0 }));
      stats.push(current);
      if (stats.length > MAX_STATS) stats.splice(0, MAX_STATS / 2);
    }
    return owner;
  }

  return {
    count(name, { requests, windowSecs }, now) {
      const window = Math.floor((now - startAt) / windowSecs);
      const owner = ownerAt(name, window);
      const { current } = owner;
      if (now < owner.blockedUntil) {
        current.blocked++;
        return {
          kind: "blocked",
          window,
          used: current.requests,
          remaining: 0,
          resetSecs: owner.blockedUntil - now,
        };
      }
      current.requests++;
      const remaining = Math.max(0, requests - current.requests);
      const resetSecs = startAt + (window + 1) * windowSecs - now;
      if (current.requests <= requests)
        return { kind: "open", window, used: current.requests, remaining, resetSecs };
      current.over++;
      if (current.over % (PATIENCE + 1) === 0) {
        owner.blockedUntil = now + blockSecs * 2 ** owner.blocks++;
        current.blocks++;
      }
      return { kind: "over", window, used: current.requests, remaining: 0, resetSecs };
    },
    stats: () => stats,
  };
}
