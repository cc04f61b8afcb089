import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { text as readText } from "node:stream/consumers";
import { InvalidInputError } from "../errors.ts";

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
    if (text === "-") return JSON.parse(await readText(process.stdin));
    return JSON.parse(isJson ? text : await readFile(text, "utf8"));
  } catch (error) {
    const from = isJson ? "--input" : text === "-" ? "standard input" : text;
    throw new InvalidInputError(`${from}: expected JSON: ${(error as Error).message}`, { cause: error });
  }
}
