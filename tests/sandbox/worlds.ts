import type { World } from "../../sandbox/reddit/world.ts";

/** A small still world; its first community has more posts than a listing shows. */
export function smallWorld(more: Partial<World> = {}): World {
  const startAt = Date.UTC(2026, 9, 1) / 1000;
  return { seed: 1, subreddits: 40, users: 400, postsPerSubreddit: 52, growth: 0, startAt, ...more };
}
