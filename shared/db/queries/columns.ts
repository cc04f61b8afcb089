/** Columns of the table `t`, shown as they are; names parted by blanks. */
export function columnsOf(...lines: string[]): Record<string, string> {
  return Object.fromEntries(lines.flatMap((line) => line.split(" ")).map((name) => [name, `t.${name}`]));
}
