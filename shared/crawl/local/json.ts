/**
 * JSON text of plain data. Fields that are `undefined` vanish; everything else comes back as it was, so what JSON
 * would drop or bend (NaN, dates, maps, bigints, functions, `undefined` in arrays) is refused.
 * @param what names the value in the error
 * @throws {TypeError} with `what`, the path of the wrong part, and what it is
 */
export function toJson(value: unknown, what: string): string {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new TypeError(`${what} is not plain JSON: ${(cause as Error).message}`, { cause });
  }
  // Only now, because a circular value would never end here.
  const misfit = findMisfit(value);
  if (misfit !== null) throw new TypeError(`${what} is not plain JSON: $${misfit}`);
  return text;
}

/** Path and kind of the first part that JSON cannot carry. The path grows on the way out: most values have none. */
function findMisfit(value: unknown): string | null {
  switch (typeof value) {
    case "string":
    case "boolean":
      return null;
    case "number":
      return Number.isFinite(value) ? null : ` is ${value}`;
    case "object":
      if (value === null) return null;
      return Array.isArray(value) ? findMisfitInArray(value) : findMisfitInObject(value);
    default:
      return ` is ${typeof value}`;
  }
}

function findMisfitInArray(values: unknown[]): string | null {
  for (let index = 0; index < values.length; index++) {
    const misfit = findMisfit(values[index]);
    if (misfit !== null) return `[${index}]${misfit}`;
  }
  return null;
}

function findMisfitInObject(value: object): string | null {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return ` is a ${value.constructor.name}`;
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const misfit = fields[key] === undefined ? null : findMisfit(fields[key]);
    if (misfit !== null) return `.${key}${misfit}`;
  }
  return null;
}
