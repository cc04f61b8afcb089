import { readPasted } from "../../shared/parse/addresses.ts";

const HOST = /^(?:[\w-]+\.)*reddit\.com$/;
/** Reddit's own hosts are no names, but `reddit.com` is: the first subreddit is called so. */
const OWN_HOST = /^(?:[\w-]+\.)+reddit\.com$|^(?:[\w-]+\.)*redd\.it$/i;
/** As Reddit's pages go by other names: `/r/node.json`. */
const EXTENSION = /\.(?:json|rss|xml|compact|mobile|embed)$/i;

const MAX_LENGTH = 50;
/** By what there has been: `node`, `nl`, `a-b`, `reddit.com`, `t:1337`. */
const SUBREDDIT = /^[\w-]+(?:[.:][\w-]+)*$/;
/** By what there has been before a rule was made: `old.name`, `old name!`, `*`. */
const USERNAME = /^(?! )[^\P{ASCII}\p{Cc}/\\?#"<>]+(?<! )$/u;
/** Dots alone would be another path, `&x=` belongs to a query, and Reddit writes the last two in the place of a name. */
const NO_USERNAME = /^\.+$|&\w+=|^\[(?:deleted|removed)\]$/i;

/** Listings over many subreddits that answer under a subreddit's path and are none: no `about`, no rules. */
const AGGREGATES = new Set(["all", "popular"]);

/**
 * The bare name that `text` means: `node`, `r/node`, `/r/node/` or any address under it. A profile is the subreddit
 * `u_name`. `null` when it cannot be a subreddit's name, and for addresses that tell none: several subreddits,
 * multireddits, share links and short links.
 */
export function toSubredditName(text: string): string | null {
  const split = splitName(text);
  if (!split) return null;
  const subreddit = split.kind === "u" ? `u_${split.name}` : split.name;
  return isSubredditName(subreddit) ? subreddit : null;
}

/** The bare name that `text` means: `spez`, `u/spez`, `@spez` or any address under the profile; `null` as above. */
export function toUsername(text: string): string | null {
  const split = splitName(text);
  if (!split) return null;
  const { kind, name } = split;
  if (kind === "r" && !isProfile(name)) return null;
  const username = kind === "r" ? name.slice(2) : kind === null ? name.replace(/^@/, "") : name;
  return isUsername(username) ? username : null;
}

/** Profiles stand beside the subreddits, as `u_name`. */
export function isProfile(subreddit: string): boolean {
  return /^u_/i.test(subreddit);
}

export function isAggregate(subreddit: string): boolean {
  return AGGREGATES.has(subreddit.toLowerCase());
}

/** Whether a call for many can ask for it: a comma would part it, and of other signs the site says nothing. */
export function fitsList(subreddit: string): boolean {
  return SUBREDDIT.test(subreddit);
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

function isSubredditName(name: string): boolean {
  if (isProfile(name) && isUsername(name.slice(2))) return true;
  return SUBREDDIT.test(name) && name.length <= MAX_LENGTH;
}

function isUsername(name: string): boolean {
  return USERNAME.test(name) && !NO_USERNAME.test(name) && name.length <= MAX_LENGTH;
}

/** `kind`: `null` for a name alone. */
function splitName(text: string): { kind: "r" | "u" | null; name: string } | null {
  const pasted = readPasted(text);
  if (!pasted) return null;
  if (pasted.kind === "name") return OWN_HOST.test(pasted.name) ? null : { kind: null, name: pasted.name };
  const { host, path } = pasted;
  if (host !== null && !HOST.test(host)) return null;
  const [first = "", name = "", part = ""] = path;
  const kind = /^r$/i.test(first) ? "r" : /^u(?:ser)?$/i.test(first) ? "u" : null;
  // `/r/x/s/…` is a share link, `/user/x/m/…` a multireddit, and `/user/me` is whoever looks.
  const isOther = /^s$/i.test(part) || (kind === "u" && (/^m$/i.test(part) || /^me$/i.test(name)));
  return kind === null || isOther ? null : { kind, name: name.replace(EXTENSION, "") };
}
