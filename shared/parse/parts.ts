import { z } from "zod";
import type { SkippedChild } from "./shape.ts";

/**
 * Parts of what is read at present that cannot be read; `null` while nobody asks. Nothing that reads waits, so one list
 * is enough.
 */
let unread: SkippedChild[] | null = null;

/**
 * What `read` returns, and the parts that it could not read, each told in `skipped`: the rest of it counts.
 * @param id of the whole
 */
export function readParts<Read>(id: string, read: () => Read): { value: Read; skipped: SkippedChild[] } {
  const outer = unread;
  const parts: SkippedChild[] = [];
  unread = parts;
  try {
    const value = read();
    return { value, skipped: parts.map((part) => ({ ...part, id: `${id}/${part.id}` })) };
  } finally {
    unread = outer;
  }
}

/** Tells whoever reads the whole that a part of it could not be read. */
export function skipPart(name: string, reason: string): void {
  unread?.push({ id: name, reason });
}

/**
 * A field that may be missing or `null`. What cannot be read is left out, and told as the part that it is.
 * @param name of the part, for the message
 */
export function partOf<Schema extends z.ZodType>(name: string, schema: Schema) {
  return optionally((value): z.output<Schema> | undefined => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    skipPart(name, describe(parsed.error));
    return undefined;
  });
}

/**
 * A list whose entries are read each for itself: one that cannot be read, and `null` is one, does not lose its
 * neighbours. What is no list, or has entries of which none can be read, is left out: unknown is not empty.
 */
export function listOf<Schema extends z.ZodType>(name: string, entry: Schema) {
  const entries = z.array(entry);
  return optionally((value): z.output<Schema>[] | undefined => {
    const told = unread?.length;
    const whole = entries.safeParse(value);
    if (whole.success) return whole.data;
    // The entries are read once more, and tell their parts again.
    unread?.splice(told!);
    if (Array.isArray(value)) return readEntries(value);
    skipPart(name, "expected a list");
    return undefined;
  });

  function readEntries(values: readonly unknown[]): z.output<Schema>[] | undefined {
    const parsed = values.map((value) => entry.safeParse(value));
    const errors = parsed.flatMap(({ error }) => error ?? []);
    const read = parsed.flatMap(({ success, data }) => (success ? [data] : []));
    skipPart(name, `${errors.length} of ${values.length} cannot be read: ${describe(errors[0]!)}`);
    return read.length > 0 ? read : undefined;
  }
}

/** Missing stays missing, and `null` stays `null`. */
function optionally<Read>(read: (value: unknown) => Read) {
  return z
    .unknown()
    .optional()
    .transform((value): Read | null | undefined => {
      return value === null || value === undefined ? value : read(value);
    });
}

function describe({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join(".") || "entry"}: ${message}`).join("; ");
}
