import { z } from "zod";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { assertSomeRead, readEach, readShape, type SkippedChild } from "../../shared/parse/shape.ts";

type Readers = Record<string, (data: unknown) => unknown>;

/** What readers made of things, by kind, in their order. */
export interface Things<Kinds extends Readers> {
  items: { [Kind in keyof Kinds]: ReturnType<Kinds[Kind]>[] };
  skipped: SkippedChild[];
}

export interface ListingPage<Kinds extends Readers> extends Things<Kinds> {
  /** Cursor of the next page; `null` on the last one. */
  after: string | null;
}

export const Listing = z.object({
  kind: z.literal("Listing"),
  data: z.object({ after: z.string().nullish(), children: z.array(z.unknown()) }),
});
const Thing = z.object({ kind: z.string(), data: z.unknown() });
const Named = z.object({ data: z.object({ name: z.string() }) });

/**
 * Reads one page of any listing: posts (t3), comments (t1), subreddits (t5). A child that cannot be read does not
 * lose its neighbours: it is told in `skipped`.
 *
 * @param readers one for each kind that the listing may hold; each throws for data it cannot read
 * @throws {UnexpectedShapeError} when the body is no listing, or no child of a page that has some can be read
 * @see https://www.reddit.com/dev/api/#listings
 */
export function parseListing<Kinds extends Readers>(body: unknown, readers: Kinds): ListingPage<Kinds> {
  const { children, after } = readShape(Listing, body, "a listing").data;
  const { items, skipped } = readThings(children, readers);
  assertSomeRead({ items: Object.values(items).flat(), skipped });
  return { items, skipped, after: after || null };
}

/** Reads things of several kinds, each for itself. */
export function readThings<Kinds extends Readers>(things: readonly unknown[], readers: Kinds): Things<Kinds> {
  const kinds = Object.keys(readers);
  const entries = things.map(
    (thing, index) => [Named.safeParse(thing).data?.data.name ?? `#${index}`, thing] as const,
  );
  const { items, skipped } = readEach(entries, (thing) => {
    const { kind, data } = readShape(Thing, thing, "a thing");
    const read = readers[kind];
    if (!read) throw new UnexpectedShapeError(`expected ${kinds.join(" or ")}, got ${kind}`);
    return { kind, item: read(data) };
  });
  const ofKind = (kind: string) => items.filter((item) => item.kind === kind).map(({ item }) => item);
  // Each kind's items were made by that kind's reader.
  return {
    items: Object.fromEntries(kinds.map((kind) => [kind, ofKind(kind)])) as Things<Kinds>["items"],
    skipped,
  };
}
