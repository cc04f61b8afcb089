import { parseJsonText } from "./text.ts";

/** Levels of arrays and objects. */
const MAX_DEPTH = 100;
const MAX_NUMBER_CHARS = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * JSON that somebody else wrote, in UTF-8, with or without a byte order mark. What could not be written out again as it
 * came is refused before it is parsed: nesting that overflows a stack, numbers that no double holds.
 * @throws {SyntaxError}
 */
export function parseBoundedJson(bytes: Uint8Array): unknown {
  assertBounded(bytes);
  return parseJsonText(bytes);
}

/**
 * Of what is no JSON, or its beginning alone, it may say anything: `JSON.parse` comes after it.
 * @throws {SyntaxError}
 */
export function assertBounded(bytes: Uint8Array): void {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === BRACKET || byte === BRACE) {
      if (++depth > MAX_DEPTH)
        throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels at position ${at}`);
    } else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) depth--;
    else if (isDigit(byte)) at = endOfNumber(bytes, at);
  }
}

/** @returns where the quote is that ends the string that begins at `start` */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** @returns its last sign */
function endOfNumber(bytes: Uint8Array, start: number): number {
  let end = start + 1;
  let hasExponent = false;
  for (; end < bytes.length; end++) {
    const byte = bytes[end]!;
    if (byte === 0x65 || byte === 0x45) hasExponent = true;
    // What a number may have beside digits: . + -
    else if (!isDigit(byte) && byte !== 0x2e && byte !== 0x2b && byte !== 0x2d) break;
  }
  const length = end - start;
  if (length > MAX_NUMBER_CHARS)
    throw new SyntaxError(
      `a number of ${length} signs at position ${start}, expected up to ${MAX_NUMBER_CHARS}`,
    );
  // The shortest number beyond all doubles is 1e309.
  if ((hasExponent && length > 4) || length > 308) {
    const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
    if (Math.abs(Number(text)) === Infinity)
      throw new SyntaxError(`a number beyond ±1.8e308 at position ${start}`);
  }
  return end - 1;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
