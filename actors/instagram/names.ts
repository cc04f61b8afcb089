import { readPasted } from "../../shared/parse/addresses.ts";

const HOST = /^(?:(?:www|m)\.)?instagram\.com$|^(?:www\.)?instagr\.am$/;
/** Links into the messenger: `ig.me/m/<name>` writes to somebody, the others invite. */
const MESSENGER = /^(?:www\.)?ig\.me$/;

/** Paths under Instagram's root that are no profile: media, shares, invites, and what belongs to Instagram itself. */
const RESERVED = new Set(
  (
    "_n about accounts ajax api ar archive blog bloks challenge channel create data developer developers direct " +
    "directory download emails explore fxcal graphql hashtag help invites j jobs legal lite locations nametag " +
    "notifications oauth p press privacy push qp qr reel reels s security sem session share static stories support " +
    "terms topics tv web your_activity"
  ).split(" "),
);

/** By what there has been: today no dot is at an end and no two are in a row. Dots alone would be another path. */
const USERNAME = /^(?!\.+$)[a-z\d._]{1,30}$/;

/**
 * The bare name, in lower case, that `text` means: `nasa`, `@nasa`, or any address under the profile. `null` when it
 * cannot be a name, and for addresses that tell none: posts, stories, highlights, shares, invites, Instagram's own
 * pages.
 */
export function toUsername(text: string): string | null {
  const pasted = readPasted(text);
  const name = pasted?.kind === "name" ? pasted.name : pasted && nameIn(pasted);
  const bare = name?.replace(/^@/, "").toLowerCase() ?? "";
  return USERNAME.test(bare) && !isHost(bare) ? bare : null;
}

function isHost(text: string): boolean {
  return HOST.test(text) || MESSENGER.test(text);
}

function nameIn({ host, path }: { host: string | null; path: string[] }): string | null {
  const [first = "", second = ""] = path;
  if (host !== null && MESSENGER.test(host)) return first === "m" ? second : null;
  if (host !== null && !HOST.test(host)) return null;
  // How apps open a profile.
  if (first.toLowerCase() === "_u") return second;
  // Without a host, a path of several parts may be any site's.
  if (host === null && path.length > 1) return null;
  return RESERVED.has(first.toLowerCase()) ? null : first;
}
