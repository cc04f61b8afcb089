import { oneLine } from "../printable.ts";

export interface TableOptions {
  /** Columns of texts, which begin at the left; the first one does by itself. */
  left?: number[];
  /** The widest that a line may be: the longest of the texts are cut. @default as wide as it gets */
  maxWidth?: number | undefined;
}

const GAP = "  ";

/** Columns padded to their widest cell; the first to the left, figures to the right. Each cell is one line. */
export function formatTable(
  head: string[],
  cells: string[][],
  { left = [], maxWidth = Infinity }: TableOptions = {},
): string {
  const rows = cells.map((row) => row.map(oneLine));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  narrow(widths, head, [0, ...left], maxWidth);
  const line = (row: string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column]!;
        const text = cell.length > width ? `${cell.slice(0, width - 1)}…` : cell;
        return column === 0 || left.includes(column) ? text.padEnd(width) : text.padStart(width);
      })
      .join(GAP)
      .trimEnd();
  return `${[line(head), ...rows.map(line)].join("\n")}\n`;
}

/** Takes from the widest of `columns` until a line fits, or each is as narrow as its title. */
function narrow(widths: number[], head: string[], columns: number[], maxWidth: number): void {
  for (;;) {
    const total = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
    const candidates = columns.filter((column) => widths[column]! > head[column]!.length);
    if (total <= maxWidth || candidates.length === 0) return;
    const widest = candidates.reduce((a, b) => (widths[b]! > widths[a]! ? b : a));
    widths[widest]! -= 1;
  }
}

/** Width of the terminal; a pipe takes lines of any length. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}
