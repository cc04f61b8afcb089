import type { Options } from "csv-stringify";
import { printable, printableJson } from "./printable.ts";

export interface CsvStyle {
  /** @default a comma */
  delimiter?: string | undefined;
  /** Texts as they are: without the apostrophe before what a spreadsheet would run. @default false */
  raw?: boolean | undefined;
  /** For a terminal: no cell holds control characters. @default false */
  isPrinted?: boolean | undefined;
}

/** How tables are written: RFC 4180; nested values as JSON. */
export function csvOptions({ delimiter = ",", raw = false, isPrinted = false }: CsvStyle) {
  return {
    delimiter,
    record_delimiter: "windows",
    // Without this only the delimiter of records is quoted, and a text with a plain line feed would end its row. Where a
    // spreadsheet expects another delimiter than the file has, none may begin a cell in the middle of a text.
    quoted_match: /[\r\n;\t]/,
    cast: {
      boolean: String,
      object: (value) => (isPrinted ? printableJson(JSON.stringify(value)) : JSON.stringify(value)),
      // Names of columns are texts as well.
      string(value) {
        const text = isPrinted ? printable(value) : value;
        return raw ? text : defuse(text);
      },
    },
  } as const satisfies Options;
}

/**
 * What a spreadsheet takes for a formula: `=`, `+`, `-`, `@` and their full-width forms, also behind signs that it
 * drops (spaces, quotes, what cannot be seen), and a tab or carriage return at the beginning.
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^(?:[\t\r]|[\p{C}\p{Z}\s"'`]*[=+\-@＝＋－＠])/u;

/** A text with an apostrophe before what a spreadsheet would run; numbers are no texts. */
function defuse(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** What a delimiter may be. */
export const DELIMITER =
  "one character that is neither a quote, a line break, another control character but a tab, nor one of = + - @";

export function isDelimiter(text: string): boolean {
  return text.length === 1 && (text === "\t" || /^[^\p{C}\u2028\u2029"=+\-@＝＋－＠]$/u.test(text));
}
