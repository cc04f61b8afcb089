/** @throws {RangeError} naming the option, its value and what would be right */
export function assertWithin(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max))
    throw new RangeError(`Expected ${name} ${min} to ${max}, got ${value}`);
}
