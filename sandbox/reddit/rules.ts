import { type Draw, between, draws, pick } from "../random.ts";
import { asciiJson } from "../ascii-json.ts";
import { toHtml } from "./texts.ts";
import { ASPECT, type Place, type World } from "./world.ts";

export interface Rule {
  short_name: string;
  kind: "all" | "link" | "comment";
  priority: number;
  description: string;
  violation_reason: string;
  createdUtc: number;
}

/** What a community demands of those who post, and where it says so. */
export interface RuleTexts {
  rules: Rule[];
  /** Paragraphs that its description ends with. */
  sidebar: string[];
  /** The sentence that asks posters to verify themselves; `null` when nothing does. */
  verification: string | null;
}

const RULES: readonly [name: string, description: string][] = [
  ["Be kind", "Remember the human. No insults & no slurs."],
  ["No spam", "Self-promotion < 10 % of your posts."],
  ["Stay on topic", ""],
  ["Use a descriptive title", 'Titles like "look at this" are removed.\n\nAdd the material and the size.'],
  ["No reposts within 90 days", "Search before you post."],
  ["No selling", "Use the market thread instead."],
  ["Credit the maker", "If it is not yours, say whose it is."],
];
const DEMANDS = [
  "Verification is required before your first post",
  "All posters must verify with the moderators",
  "Only verified members may post pictures",
  "Please get verified first",
];
const DENIALS = [
  "No verification needed",
  "You do not need to be verified to post here",
  "Verification is not required",
];

export function ruleTexts(world: World, place: Place): RuleTexts {
  const draw = draws(world.seed, ASPECT.rules, place.index);
  if (place.owner !== null) return { rules: [], sidebar: [], verification: null };
  const chosen = RULES.filter(() => draw() < 0.5).slice(0, between(draw, 0, RULES.length));
  const mood = draw();
  const sentence = mood < 0.15 ? pick(draw, DEMANDS) : mood < 0.25 ? pick(draw, DENIALS) : null;
  const inRules = draw() < 0.6 && chosen.length > 0;
  const rules = chosen.map(([name, text], priority) => rule(draw, place, { name, text, priority }));
  if (sentence && inRules) rules[0]!.description = `${rules[0]!.description} ${sentence}. Thank you.`.trim();
  return {
    rules,
    sidebar: sentence && !inRules ? [`Welcome to r/${place.name}! ${sentence}. Have fun.`] : [],
    verification: mood < 0.15 ? sentence : null,
  };
}

/** `GET /r/{subreddit}/about/rules`, as JSON text. */
export function rulesBody(world: World, place: Place): string {
  const rules = ruleTexts(world, place).rules.map(({ createdUtc, ...rest }) => ({
    ...rest,
    created_utc: createdUtc,
    // Without a description the key is there and its HTML is not.
    ...(rest.description && { description_html: toHtml(rest.description) }),
  }));
  return asciiJson({ rules, site_rules: SITE_RULES, site_rules_flow: SITE_RULES_FLOW });
}

const SITE_RULES = [
  "Spam",
  "Personal and confidential information",
  "Threatening, harassing, or inciting violence",
];
const SITE_RULES_FLOW = [{ reasonTextToShow: "This is spam", reasonText: "This is spam" }];

function rule(
  draw: Draw,
  place: Place,
  { name, text, priority }: { name: string; text: string; priority: number },
): Rule {
  return {
    short_name: name,
    kind: pick(draw, ["all", "all", "link", "comment"] as const),
    priority,
    description: text,
    violation_reason: draw() < 0.7 ? name : `Breaks "${name}"`,
    createdUtc: place.createdUtc + between(draw, 0, 90) * 86_400,
  };
}
