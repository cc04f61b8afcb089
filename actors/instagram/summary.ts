import { z } from "zod";
import type { ActorDefinition } from "../../shared/crawl/define-actor.ts";
import { type Input, targetsOf } from "./input.ts";
import { limitsOf } from "./plan.ts";

type Read = Parameters<NonNullable<ActorDefinition["countBySubject"]>>[0];

const About = z.object({
  chain: z.object({ creator: z.object({ username: z.string() }) }).optional(),
  target: z.object({ username: z.string().optional(), ig_user_id: z.string().optional() }).optional(),
});

/** `@name` of the creator that a request is about; its id where the name is not known yet. */
export function subjectOf({ userData }: { userData: Record<string, unknown> }): string | null {
  const { chain, target } = About.parse(userData);
  const username = chain?.creator.username ?? target?.username;
  return username === undefined ? (target?.ig_user_id ?? null) : `@${username}`;
}

export function targets(input: Input): Record<string, string[]> {
  const subjects = targetsOf(input).map((target) => subjectOf({ userData: { target } }));
  return { creators: subjects.filter((subject) => subject !== null) };
}

/** Posts and reels of each creator, as the run stored them. */
export async function countBySubject(read: Read): Promise<Record<string, Record<string, number>>> {
  const names = new Map<unknown, string>();
  const counts: Record<string, { posts: number; reels: number }> = {};
  for await (const { ig_user_id, username } of read("instagram_creators")) {
    if (typeof username !== "string") continue;
    names.set(ig_user_id, `@${username}`);
    counts[`@${username}`] = { posts: 0, reels: 0 };
  }
  for (const list of ["posts", "reels"] as const)
    for await (const { ig_user_id } of read(`instagram_${list}`)) {
      const count = counts[names.get(ig_user_id) ?? ""];
      if (count) count[list]++;
    }
  return counts;
}

/** Entries on a page of posts; reels come in pages of 6 to 12. */
const PAGE_SIZE = 12;

/** Requests that an input takes at most, when no creator is known yet. */
export function estimateRequests(input: Input): number {
  const { posts, reels } = limitsOf(input, false);
  const each = 1 + Math.ceil(posts / PAGE_SIZE) + Math.ceil(reels / PAGE_SIZE) + (input.related ? 1 : 0);
  return targetsOf(input).length * each;
}
