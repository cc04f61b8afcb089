/** Paths under Instagram's root that are no profile. */
const RESERVED = new Set(
  "about accounts api challenge direct directory explore graphql legal locations p reel reels stories tv web".split(
    " ",
  ),
);

/**
 * The bare name in `name`, `@name` or the URL of a profile; `null` for anything else.
 * Instagram: 1 to 30 letters, digits, dots and underscores, no dot at an end and no two in a row; case is ignored.
 */
export function toUsername(text: string): string | null {
  const name = /^(?:https?:\/\/)?(?:www\.|m\.)?instagram\.com\/([^/?#]+)/i.exec(text.trim())?.[1];
  const bare = (name ?? text.trim().replace(/^@/, "")).toLowerCase();
  const isName = /^(?!\.)(?!.*\.\.)[a-z\d._]{1,30}(?<!\.)$/.test(bare);
  return isName && !(name !== undefined && RESERVED.has(bare)) ? bare : null;
}
