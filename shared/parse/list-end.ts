/**
 * How an entry of a list stands to what is wanted of it: too old or known already, or not. `last`: it was the newest when
 * the list was last read. `unknown`: it has no date.
 */
export type Age = "new" | "old" | "last" | "unknown";

/** Old entries in a row that are no chance: fewer may stand out of their order. */
const ROW = 6;
/** Old entries that a list may begin with before newer ones: a whole page of a site that gives twelve. */
const MOST_AT_TOP = 12;

/**
 * Whether a list that goes back in time has come to where nothing new follows. Some old entries stand before newer ones,
 * pinned ones above all, and not every site tells which. So a page is judged as a whole: one with something new has to
 * end with a row of old entries, or behind the last one; one without ends the list, but for the first page, which may
 * hold only what is pinned.
 *
 * @param ages of a page's entries in their order, without those that are known to be pinned
 * @param isFirst the page is the list's first
 */
export function isPastNew(ages: readonly Age[], { isFirst }: { isFirst: boolean }): boolean {
  const others = ages.findLastIndex((age) => age === "new" || age === "unknown") + 1;
  const atEnd = ages.slice(others);
  if (atEnd.includes("last")) return true;
  if (others > 0) return atEnd.length >= ROW;
  return atEnd.length > (isFirst ? MOST_AT_TOP : 0);
}
