import { Input } from "../../../actors/reddit/input.ts";
import { toPlan, type Plan } from "../../../actors/reddit/plan.ts";

/** The plan of a run input that asks for nothing beside subreddits, but for what is given. */
export function plan(wishes: Partial<Plan> = {}): Plan {
  return { ...toPlan(Input.parse({ subreddits: ["node"], authors: "none", rules: false })), ...wishes };
}
