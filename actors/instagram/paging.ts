import { z } from "zod";
import { type Age, isPastNew } from "../../shared/parse/list-end.ts";
import { isWanted, type Plan } from "./plan.ts";

/** Pages followed of one list at most, for a site that sends cursors for ever. */
const MAX_PAGES = 1000;

/** Where the reading of a list stands before a page is asked for. */
export const Paging = z.object({
  /** Entries wanted, repeats included. */
  limit: z.int().min(1),
  /** Cursors that were followed, the present page's last. */
  cursors: z.array(z.string()),
  /** Entries on earlier pages. */
  entries: z.int(),
  /** Those of them that are too old for the plan: they do not count against the limit. */
  tooOld: z.int().default(0),
  /** What the site calls a page: as many entries as the first one has, and no less than it is known to give. */
  pageSize: z.int(),
  /** The present page is asked for again, because it came empty. */
  isAgain: z.boolean(),
});
export type Paging = z.infer<typeof Paging>;

/** @param pageSize the smallest page that the site gives */
export function firstPage(limit: number, pageSize = 1): Paging {
  return { limit, cursors: [], entries: 0, tooOld: 0, pageSize, isAgain: false };
}

/** A page as its parser read it. */
export interface ListPage {
  entries: readonly Entry[];
  /** Those that are too old for the plan. */
  tooOld?: number;
  /** What asks for the next page; `null` when the site says that this is the last. */
  cursor: string | null;
}

export interface Entry {
  taken_at?: string | undefined;
  is_pinned?: boolean | undefined;
}

/** What a list is told of a page beside its entries. */
export interface PageFacts {
  /** What is wanted has been read. */
  isDone: boolean;
  /** Entries that the list has at most; `null` when nobody tells. */
  total?: number | null;
  /** The list begins with something. */
  cannotBeEmpty?: boolean;
}

/**
 * How a list goes on after a page: the next page, the same one again, or not at all. It ends at its limit, without a
 * cursor or with one that was followed before, and where the rest is not wanted. An empty page that was promised, or
 * that promises more, is asked for once more; behind full pages, the list is then `cut`: nobody knows what is missing.
 * No list costs more pages than ⌈limit / page size⌉, whatever repeats in it, and those that came empty;
 * what is too old does not count.
 */
export function nextPage(
  paging: Paging,
  page: ListPage,
  { isDone, ...facts }: PageFacts,
): Paging | "end" | "cut" {
  const { entries, cursor } = page;
  if (entries.length === 0) return afterEmptyPage(paging, page, facts);
  const isFirst = paging.cursors.length === 0;
  const pageSize = isFirst ? Math.max(paging.pageSize, entries.length) : paging.pageSize;
  const read = paging.entries + entries.length;
  const tooOld = paging.tooOld + (page.tooOld ?? 0);
  const pages = paging.cursors.length + 1;
  const limit = paging.limit + tooOld;
  if (isDone || cursor === null || paging.cursors.includes(cursor)) return "end";
  if (read >= limit || pages >= Math.ceil(limit / pageSize) || pages >= MAX_PAGES) return "end";
  return { ...paging, cursors: [...paging.cursors, cursor], entries: read, tooOld, pageSize, isAgain: false };
}

function afterEmptyPage(
  paging: Paging,
  { cursor }: ListPage,
  { total = null, cannotBeEmpty = false }: Omit<PageFacts, "isDone">,
): Paging | "end" | "cut" {
  const { cursors, entries, pageSize, isAgain } = paging;
  const isBehindShortPage = entries < cursors.length * pageSize;
  // A site whose last page names one more, which leads to itself.
  const isLoop = isBehindShortPage && cursor !== null && cursors.includes(cursor);
  const isPromised = cursors.length > 0 || cursor !== null || cannotBeEmpty;
  if (!isPromised || isLoop || (total !== null && entries >= total)) return "end";
  if (!isAgain) return { ...paging, isAgain: true };
  return isBehindShortPage ? "end" : "cut";
}

/** A page's entries as far as the limit goes. */
export function withinLimit<Seen extends Entry>(
  { limit, entries, tooOld }: Paging,
  page: readonly Seen[],
  plan: Pick<Plan, "since">,
): Seen[] {
  let left = limit + tooOld - entries;
  return page.filter(({ taken_at }) => left > 0 && (!isWanted(plan, taken_at) || left-- > 0));
}

/**
 * Whether a list in an order of time has come to what is known or too old.
 * @param paging before the page
 * @param entries all of the page, beyond the limit too
 * @param endsAt entries taken then or before are not wanted; `null`: all are
 */
export function reachesEnd(paging: Paging, entries: readonly Entry[], endsAt: string | null): boolean {
  if (endsAt === null) return false;
  const end = Date.parse(endsAt);
  const ages = entries.filter(({ is_pinned }) => is_pinned !== true).map((entry) => ageOf(entry, end));
  return isPastNew(ages, { isFirst: paging.cursors.length === 0 });
}

function ageOf({ taken_at }: Entry, end: number): Age {
  if (taken_at === undefined) return "unknown";
  const time = Date.parse(taken_at);
  return time === end ? "last" : time > end ? "new" : "old";
}
