import { toJson } from "../local/json.ts";

/** An escape that Postgres refuses in `jsonb`, NUL or half a surrogate pair; or any other, so that `\\u0000` stays. */
const ESCAPE = /\\(?:(u0000|ud[89a-f][0-9a-f]{2})|.)/g;
const SUSPICIOUS = /\\u(?:0000|d[89a-f])/;

/**
 * JSON text that Postgres takes for `jsonb`: what it cannot store, NUL and lone surrogates, becomes U+FFFD. Done
 * here because the cast would refuse the whole call for one sign of one item.
 * @param what names the value in the error
 * @throws {TypeError} when the value is not plain JSON
 */
export function toDatabaseJson(value: unknown, what: string): string {
  return cleanJson(toJson(value, what));
}

/** @param json as `JSON.stringify` writes it: whole surrogate pairs are not escaped */
export function cleanJson(json: string): string {
  if (!SUSPICIOUS.test(json)) return json;
  return json.replace(ESCAPE, (escape, bad: string | undefined) =>
    bad === undefined ? escape : String.raw`\ufffd`,
  );
}
