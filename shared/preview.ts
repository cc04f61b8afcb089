/** How much of a value, and of a name, a message shows. */
export const SHOWN_CHARS = 100;

/**
 * The beginning of `value` as JSON, for messages: of a value of many megabytes no more is looked at than is shown.
 * `nothing` for `undefined`.
 */
export function previewJson(value: unknown, maxChars = SHOWN_CHARS): string {
  if (value === undefined) return "nothing";
  return cut(JSON.stringify(takeSome(value, { chars: maxChars + 1 })), maxChars);
}

/** The beginning of `text`, with an ellipsis where there is more. */
export function cut(text: string, maxChars = SHOWN_CHARS): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}

/** So much of `value` as makes up `chars` signs of its JSON at least. Nested values are as deep as there are signs. */
function takeSome(value: unknown, left: { chars: number }): unknown {
  left.chars--;
  if (typeof value === "string") {
    const text = value.slice(0, Math.max(0, left.chars) + 1);
    left.chars -= text.length;
    return text;
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const some: unknown[] = [];
    for (const element of value) {
      if (left.chars < 0) break;
      some.push(takeSome(element, left));
    }
    return some;
  }
  // Without a prototype `__proto__` is a name like any other.
  const some = Object.create(null) as Record<string, unknown>;
  for (const name in value) {
    if (left.chars < 0) break;
    const field = takeSome(name, left) as string;
    some[field] = takeSome((value as Record<string, unknown>)[name], left);
  }
  return some;
}
