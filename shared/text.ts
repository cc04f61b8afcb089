import { readFileSync } from "node:fs";

/** How the other encodings begin that editors call "Unicode"; the longer marks first. */
const MARKS: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  ["UTF-32", [0xff, 0xfe, 0, 0]],
  ["UTF-32", [0, 0, 0xfe, 0xff]],
  ["UTF-16", [0xff, 0xfe]],
  ["UTF-16", [0xfe, 0xff]],
];

/**
 * The text of what a person has written: UTF-8, without the byte order mark that editors of Windows put before it.
 * @throws {SyntaxError} naming the encoding when it is another one: read as UTF-8, half of it would silently be something else
 */
export function decodeText(bytes: Uint8Array): string {
  const [encoding] = MARKS.find(([, mark]) => mark.every((byte, i) => bytes[i] === byte)) ?? [];
  if (encoding) throw new SyntaxError(`it is ${encoding}; save it as UTF-8`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError("it is not UTF-8; save it as UTF-8", { cause });
  }
  // Every other byte of plain text in UTF-16, which need not have a mark.
  if (text.includes("\0")) throw new SyntaxError("it has NUL characters, as UTF-16 has; save it as UTF-8");
  return text;
}

/**
 * A file that a person has written.
 * @throws {SyntaxError} as decodeText does
 * @throws {Error} of the file system
 */
export function readText(file: string): string {
  return decodeText(readFileSync(file));
}

/** JSON that a person has written, as bytes or as text. @throws {SyntaxError} when it is none */
export function parseJsonText(written: Uint8Array | string): unknown {
  return JSON.parse(typeof written === "string" ? written.replace(/^\ufeff/, "") : decodeText(written));
}
