import type { Lane } from "./lane.ts";

/** What a run's calls may cost. */
export interface Spending {
  /** US dollars. */
  maxUsd: number;
  /** So far. */
  spentUsd(): number;
}

/** A call, and where it goes. */
export interface Call {
  lane: Lane;
  url: string;
}

/** Prices are decimal fractions, whose sums are not exact. */
const TOLERANCE_USD = 1e-9;

/** Whether `calls`, on their way or about to be, fit into what may still be spent. */
export function isAffordable({ maxUsd, spentUsd }: Spending, calls: readonly Call[]): boolean {
  const cost = calls.reduce((sum, { lane, url }) => sum + (lane.site.usage?.(url).costUsd ?? 0), 0);
  return spentUsd() + cost <= maxUsd + TOLERANCE_USD;
}

/** Why a run ends that may not spend more. */
export function describeSpent({ maxUsd, spentUsd }: Spending): string {
  return `the limit of ${maxUsd} USD is reached: ${Number(spentUsd().toFixed(6))} USD are spent`;
}
