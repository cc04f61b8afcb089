import { z } from "zod";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { count, text } from "../../shared/parse/fields.ts";
import { listOf } from "../../shared/parse/parts.ts";
import { readShape } from "../../shared/parse/shape.ts";

const Rule = z.object({
  short_name: z.string(),
  kind: text,
  priority: count,
  description: text,
  violation_reason: text,
});

const Rules = z.object({ rules: listOf("rules", Rule) });

/** One entry of `rules_data`. */
export type Rule = z.infer<typeof Rule>;

/**
 * Reads a subreddit's rules (`GET /r/{subreddit}/about/rules`), in the order of the sidebar.
 * @throws {UnexpectedShapeError} when the body is something else, or no rule of some can be read
 * @see https://www.reddit.com/dev/api/#GET_r_{subreddit}_about_rules
 */
export function parseRules(body: unknown): Rule[] {
  const { rules } = readShape(Rules, body, "a subreddit's rules");
  if (!rules) throw new UnexpectedShapeError("not a subreddit's rules: rules: expected a list");
  return rules;
}
