// Written as escapes, for an editor would not show them.
/**
 * Sequences that a terminal obeys: CSI, those with a text of their own (OSC, DCS, …), and the short ones. None goes over
 * the beginning of the next, so that the time is that of reading the text once.
 */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\n\u0007\u001b\u0090\u0098\u009b-\u009f]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;
/** What is left of control characters, tab and line feed aside, and what turns the direction of text round. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
/** Those that JSON leaves as they are. */
// oxlint-disable-next-line no-control-regex
const JSON_CONTROLS = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const LINE_BREAKS = /[\t\n\u2028\u2029]+/g;

/**
 * Text as a terminal may show it, wherever it came from: nothing in it moves the cursor, colours, renames, copies or
 * reorders. Sequences go, single control characters become U+FFFD; tabs and line feeds stay.
 */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll("\r\n", "\n").replace(SEQUENCES, "").replace(CONTROLS, "\ufffd");
}

/** As `printable`, on one line: what stands in a cell or behind a title cannot pose as lines of ours. */
export function oneLine(text: string): string {
  return printable(text).replace(LINE_BREAKS, " ");
}

/** JSON text that means the same, with every control character as an escape. */
export function printableJson(json: string): string {
  return json.replace(JSON_CONTROLS, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `printable` for every text in plain data, names of fields included. */
export function printableFields(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map(printableFields);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [oneLine(name), printableFields(field)]),
  );
}
