/** Postgres types of what lists are sorted by and keyed with. */
export type ColumnType = "integer" | "bigint" | "double precision" | "timestamptz" | "text";

/** Where a page ended: the last row's sort value as Postgres spells it (null: it has none), and its id. */
export interface Cursor {
  value: string | null;
  id: string;
  /** The page began with another value: of the rows before the cursor, less than a page have this one. */
  isValueNew: boolean;
}

export interface CursorShape {
  /** Name of the order: a cursor of another one is refused. */
  sort: string;
  valueType: ColumnType;
  idType: ColumnType;
}

/** Opaque to clients. */
export function encodeCursor({ sort }: CursorShape, { value, id, isValueNew }: Cursor): string {
  return Buffer.from(JSON.stringify([sort, value, id, isValueNew])).toString("base64url");
}

/** `undefined`: it is none of this order, or somebody has made it up. */
export function decodeCursor(text: string, { sort, valueType, idType }: CursorShape): Cursor | undefined {
  const parsed = parse(Buffer.from(text, "base64url").toString("utf8"));
  if (!Array.isArray(parsed) || parsed.length !== 4) return undefined;
  const [cursorSort, value, id, isValueNew] = parsed as unknown[];
  if (cursorSort !== sort || typeof id !== "string" || !isOfType(id, idType)) return undefined;
  if (value !== null && (typeof value !== "string" || !isOfType(value, valueType))) return undefined;
  if (typeof isValueNew !== "boolean") return undefined;
  return { value, id, isValueNew };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const INTEGER = /^-?\d{1,18}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?[+-]\d{2}(?::\d{2})?$/;

/** What Postgres would refuse to cast must not reach it. */
function isOfType(text: string, type: ColumnType): boolean {
  switch (type) {
    case "integer":
      return INTEGER.test(text) && Math.abs(Number(text)) < 2 ** 31;
    case "bigint":
      return INTEGER.test(text);
    case "double precision":
      return /^-?(?:\d{1,20}(?:\.\d{1,20})?(?:e[+-]\d{1,3})?|Infinity|NaN)$/.test(text);
    case "timestamptz":
      return TIMESTAMP.test(text) && !Number.isNaN(Date.parse(`${text.slice(0, 10)}T00:00:00Z`));
    case "text":
      return text.length <= 200 && !text.includes("\0");
  }
}
