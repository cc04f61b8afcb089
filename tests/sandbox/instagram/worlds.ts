import type { InstagramWorld } from "../../../sandbox/instagram/world.ts";

export const START = Date.UTC(2026, 9, 1) / 1000;
export const DAY = 86_400;

/** A still world of twenty creators. */
export function instagramWorld(more: Partial<InstagramWorld> = {}): InstagramWorld {
  return { seed: 1, creators: 20, growth: 0, startAt: START, baseUrl: "http://sandbox", ...more };
}
