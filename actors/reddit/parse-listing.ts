import { z } from "zod";
import { UnexpectedShapeError } from "../../shared/errors.ts";

/** A child of a listing that could not be read, and why. */
export interface SkippedChild {
  /** Its fullname where it has one, else its place on the page as `#n`. */
  id: string;
  reason: string;
}

type Readers = Record<string, (data: unknown) => unknown>;

export interface ListingPage<Kinds extends Readers> {
  /** What the readers made of the children, by kind, in the page's order. */
  items: { [Kind in keyof Kinds]: ReturnType<Kinds[Kind]>[] };
  skipped: SkippedChild[];
  /** Cursor of the next page; `null` on the last one. */
  after: string | null;
}

const Listing = z.object({
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
  const kinds = Object.keys(readers);
  const { children, after } = readShape(Listing, body, "a listing").data;
  const items = Object.fromEntries(kinds.map((kind) => [kind, [] as unknown[]]));
  const skipped: SkippedChild[] = [];
  for (const [index, child] of children.entries()) {
    try {
      const { kind, data } = readShape(Thing, child, "a thing");
      const read = readers[kind];
      if (!read) throw new UnexpectedShapeError(`expected ${kinds.join(" or ")}, got ${kind}`);
      items[kind]!.push(read(data));
    } catch (error) {
      if (!(error instanceof UnexpectedShapeError)) throw error;
      skipped.push({ id: Named.safeParse(child).data?.data.name ?? `#${index}`, reason: error.message });
    }
  }
  if (skipped.length > 0 && skipped.length === children.length)
    throw new UnexpectedShapeError(`none of ${children.length} children can be read: ${skipped[0]!.reason}`);
  // Filled above with each reader's results under its own kind.
  return { items: items as ListingPage<Kinds>["items"], skipped, after: after || null };
}

/**
 * `value` as `schema` reads it.
 * @param what is expected, for the message
 * @throws {UnexpectedShapeError} naming each wrong field
 */
export function readShape<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw new UnexpectedShapeError(`not ${what}: ${problems.join("; ")}`);
}
