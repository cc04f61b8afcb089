import { hash } from "../random.ts";
import { ASPECT, type World } from "./world.ts";

/** `deleted` leaves `[deleted]` behind; `shadowbanned` keeps its name on posts and answers 404; both are not found. */
export type AccountState = "ok" | "suspended" | "shadowbanned" | "deleted";

export function accountState(world: World, user: number): AccountState {
  const lot = hash(world.seed, ASPECT.user, user, 1) % 100;
  if (lot < 2) return "suspended";
  if (lot < 4) return "shadowbanned";
  return lot < 6 ? "deleted" : "ok";
}
