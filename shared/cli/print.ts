import { printable, printableJson } from "../printable.ts";

/** To standard output, as a terminal may show it: texts come from sites, clients and files. */
export function print(text: string): void {
  process.stdout.write(printable(text));
}

export function printLine(text: string): void {
  print(`${text}\n`);
}

/** Whole lines at a time: a sign or a sequence may come in two parts. */
export async function printStream(stream: AsyncIterable<Buffer>): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const text = rest + decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n") + 1;
    print(text.slice(0, end));
    rest = text.slice(end);
  }
  print(rest + decoder.decode());
}

/** To standard error, with its line feed. */
export function printError(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

export function printJson(value: unknown): void {
  printLine(printableJson(JSON.stringify(value, null, 2)));
}

/** On one line, for programs. */
export function printJsonLine(value: unknown): void {
  printLine(printableJson(JSON.stringify(value)));
}
