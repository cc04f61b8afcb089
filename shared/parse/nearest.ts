const MAX_LENGTH = 64;

/** The name that was meant by one that does not exist: like it but for a few letters, case and `_`; `null`: none is. */
export function nearestTo(name: string, names: readonly string[]): string | null {
  if (name.length > MAX_LENGTH) return null;
  const wanted = fold(name);
  const near = names
    .map((candidate) => ({ candidate, edits: editsBetween(wanted, fold(candidate)) }))
    .filter(
      ({ candidate, edits }) =>
        edits <= Math.max(1, Math.floor(Math.max(wanted.length, candidate.length) / 3)),
    );
  return near.toSorted((a, b) => a.edits - b.edits)[0]?.candidate ?? null;
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[_\W]/g, "");
}

/** Letters to be put in, taken out, changed, or swapped with their neighbour. */
function editsBetween(a: string, b: string): number {
  const first = Array.from({ length: b.length + 1 }, (_, index) => index);
  let [before, row] = [first, first];
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          row[j]! + 1,
          next[j - 1]! + 1,
          row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
          isSwap ? before[j - 2]! + 1 : Infinity,
        ),
      );
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
