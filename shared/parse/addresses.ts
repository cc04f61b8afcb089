/** What somebody pasted where a name was asked for. */
export type Pasted =
  | { kind: "name"; name: string }
  /** `host`: lower case; `null` for a path alone. `path`: its segments, decoded. */
  | { kind: "address"; host: string | null; path: string[] };

/** No address of either site is longer, and no text has to be searched that is. */
const MAX_LENGTH = 2048;

/**
 * Tells names from addresses: what has a slash is one, and begins with a host where its first part has a dot.
 * Compatibility forms (full-width signs and the like), signs that nobody sees, and percent-encoding are undone. What a
 * name may be is for the site to say.
 * @returns `null` for what is neither: control characters, backslashes, `..` in a path, other schemes, credentials
 */
export function readPasted(text: string): Pasted | null {
  if (text.length > MAX_LENGTH) return null;
  const plain = toPlain(text);
  if (/[\p{Cc}\\]/u.test(plain)) return null;
  if (!plain.includes("/")) return { kind: "name", name: toPlain(decode(plain) ?? plain) };

  if (/^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i.test(plain)) return null;
  const isPath = !/^(?:[^/?#]*\.|(?:[a-z][a-z\d+.-]*:)?\/\/)/i.test(plain);
  const url = URL.parse(isPath ? plain.replace(/^\/?/, "http://path/") : withScheme(plain));
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return null;
  const path = url.pathname.split("/").filter(Boolean).map(decode);
  if (!path.every((segment) => segment !== null)) return null;
  return {
    kind: "address",
    host: isPath ? null : url.hostname.replace(/\.$/, ""),
    path: path.map(toPlain),
  };
}

/** `name` as one segment of a URL's path, whatever is in it: URLs have no other way to say `..`. */
export function pathSegment(name: string): string {
  return encodeURIComponent(name.toWellFormed())
    .replaceAll("%3A", ":")
    .replace(/^\.{1,2}$/, (dots) => dots.replaceAll(".", "%252E"));
}

function toPlain(text: string): string {
  return text.normalize("NFKC").replaceAll(/^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu, "");
}

function withScheme(text: string): string {
  if (text.startsWith("//")) return `http:${text}`;
  return /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
}

/** `null` for what is no encoding. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
