const LINK =
  /^(?:(?:https?:\/\/)?(?:[\w-]+\.)?reddit\.com)?\/?(?<kind>r|u|user)\/(?<name>[\w-]+)(?:[/?#].*)?$/i;
const SUBREDDIT = /^\w{2,21}$/;
const PROFILE = /^u_[\w-]{3,20}$/i;
const USERNAME = /^[\w-]{3,20}$/;

/** Listings over many subreddits that answer under a subreddit's path and are none: no `about`, no rules. */
const AGGREGATES = new Set(["all", "popular"]);

/**
 * The bare name that `text` means: `node`, `r/node`, `/r/node/` or any URL under it. A profile is the subreddit
 * `u_name`. `null` when it cannot be a subreddit's name.
 */
export function toSubredditName(text: string): string | null {
  const { kind, name } = splitName(text);
  const subreddit = kind === "u" || kind === "user" ? `u_${name}` : name;
  return SUBREDDIT.test(subreddit) || PROFILE.test(subreddit) ? subreddit : null;
}

/** The bare name that `text` means: `spez`, `u/spez`, `/user/spez/` or any URL under it; `null` when it cannot be one. */
export function toUsername(text: string): string | null {
  const { kind, name } = splitName(text);
  return kind !== "r" && USERNAME.test(name) ? name : null;
}

/** Profiles stand beside the subreddits, as `u_name`. */
export function isProfile(subreddit: string): boolean {
  return /^u_/i.test(subreddit);
}

export function isAggregate(subreddit: string): boolean {
  return AGGREGATES.has(subreddit.toLowerCase());
}

/** Reddit tells names apart without regard to case. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** `names` without those that an earlier one already said in other letter case. */
export function distinctNames(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => !seen.has(name.toLowerCase()) && seen.add(name.toLowerCase()));
}

function splitName(text: string): { kind?: string; name: string } {
  const trimmed = text.trim();
  const groups = LINK.exec(trimmed)?.groups;
  return groups ? { kind: groups["kind"]!.toLowerCase(), name: groups["name"]! } : { name: trimmed };
}
