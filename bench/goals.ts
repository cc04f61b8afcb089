/** Prints a goal and whether it was met. */
export function reportGoal(what: string, isMet: boolean): boolean {
  process.stdout.write(`${isMet ? "met    " : "NOT met"}  ${what}\n`);
  return isMet;
}
