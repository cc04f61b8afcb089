import type { Options } from "csv-stringify";

/** How tables are written: RFC 4180; nested values as JSON. */
export const CSV_OPTIONS = {
  record_delimiter: "windows",
  // Without this only the delimiter of records is quoted, and a text with a plain line feed would end its row.
  quoted_match: /[\r\n]/,
  cast: { boolean: String, object: (value) => JSON.stringify(value) },
} as const satisfies Options;
