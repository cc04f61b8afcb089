import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { InvalidInputError } from "../errors.ts";
import { parseJsonText } from "../text.ts";

/**
 * The run input that `--input` names: JSON, a file with it, or `-` for standard input.
 * @throws {InvalidInputError} when the text is neither JSON nor the name of a JSON file
 */
export async function readInput(text: string): Promise<unknown> {
  const isJson = /^\s*[[{"]/.test(text);
  if (!isJson && text !== "-" && !existsSync(text)) {
    throw new InvalidInputError(
      `--input: expected JSON, or a file with it; there is no file ${JSON.stringify(text)}`,
    );
  }
  try {
    if (text === "-") return parseJsonText(await buffer(process.stdin));
    return parseJsonText(isJson ? text : await readFile(text));
  } catch (error) {
    const from = isJson ? "--input" : text === "-" ? "standard input" : text;
    throw new InvalidInputError(`${from}: expected JSON: ${(error as Error).message}`, { cause: error });
  }
}
