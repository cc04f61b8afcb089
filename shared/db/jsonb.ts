/** Stands for what Postgres cannot store: Unicode's own sign for that. */
const REPLACEMENT = "\uFFFD";

/** Escapes under which JSON.stringify writes a NUL or half of a surrogate pair; a few harmless texts look like one. */
const SUSPECT = /\\u(0000|d[89a-f])/i;

/**
 * `value` as JSON that `jsonb` takes. NUL characters and lone surrogates, which fail the cast and all that is beside
 * them, become U+FFFD; everything else is as JSON.stringify has it.
 */
export function toJsonb(value: unknown): string {
  const text = JSON.stringify(value);
  return SUSPECT.test(text) ? JSON.stringify(clean(JSON.parse(text))) : text;
}

function clean(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("\0", REPLACEMENT).toWellFormed();
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [clean(name), clean(field)]));
}
