import { z } from "zod";
import { count, text } from "../../shared/parse/fields.ts";
import { readShape } from "../../shared/parse/shape.ts";

const Rules = z.object({
  rules: z.array(
    z.object({
      short_name: z.string(),
      kind: text,
      priority: count,
      description: text,
      violation_reason: text,
    }),
  ),
});

/** One entry of `rules_data`. */
export type Rule = z.infer<typeof Rules>["rules"][number];

/**
 * Reads a subreddit's rules (`GET /r/{subreddit}/about/rules`), in the order of the sidebar.
 * @throws {UnexpectedShapeError} when the body is something else
 * @see https://www.reddit.com/dev/api/#GET_r_{subreddit}_about_rules
 */
export function parseRules(body: unknown): Rule[] {
  return readShape(Rules, body, "a subreddit's rules").rules;
}
