/**
 * `JSON.parse` in which integers beyond ±2^53 come as exact strings: JavaScript would round them, and ids that
 * are sent as numbers would point at somebody else. Other numbers stay numbers.
 *
 * @throws {SyntaxError} when `text` is not JSON
 * @throws {RangeError} when a text with such integers is nested too deep for the stack
 */
export function parseJsonExact(text: string): unknown {
  // An unsafe integer has 16 digits at least and stands where a value can. The reviver costs several times the
  // parse, so texts without one skip it.
  return /(?:^|[[:,])\s*-?\d{16}/.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
}

function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return context?.source !== undefined && /^-?\d+$/.test(context.source) ? context.source : value;
}
