import { z } from "zod";
import { isSecretName, redact } from "../redact.ts";
import { nearestTo } from "./nearest.ts";

/** One mistake in what somebody gave. */
export interface Issue {
  /** `listings[0].sort`; what was given as a whole has the name that `IssueOptions.whole` gives it. */
  path: string;
  /** What would be right, and what was given. */
  message: string;
}

export interface IssueOptions {
  /** What all of it is called: `input`, `body`, the name of a setting. */
  whole: string;
  /** The names of fields come after it: `body.name`. */
  prefix?: string;
  /** Nothing of it is shown. */
  isSecret?: boolean;
  /** Fields whose values are not shown, beside those whose names say that they are secrets. */
  secrets?: ReadonlySet<string>;
  /** What is said of fields that do not exist, instead of "no such field". */
  unknownFields?: Readonly<Record<string, string>>;
  /** Whether the mistake at a path is one. @default all are */
  isMeant?: (path: readonly PropertyKey[]) => boolean;
  /** False: of a value is told only what kind of value it is. @default true */
  showsValues?: boolean;
}

export type Parsed<Value> = { success: true; data: Value } | { success: false; issues: Issue[] };

/** Mistakes that are put into words; the rest are counted. */
const MAX_ISSUES = 20;
const MAX_SHOWN = 100;
const MAX_NAMES = 20;
/** Characters of a value that are looked at: enough to see a secret that begins in what is shown. */
const MAX_LOOKED_AT = 1000;
const MAX_LEVELS = 8;

/**
 * `raw` as `schema` reads it, or each mistake in words: the one place where zod's problems become sentences. However
 * many and however large the mistakes are, what is said of them is short: the last of 20 is followed by a count of
 * the others. Secrets are not shown.
 */
export function parseValue<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  options: IssueOptions,
): Parsed<z.output<Schema>> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed;
  const { isMeant = () => true } = options;
  const mistakes = parsed.error.issues.flatMap(split).filter((issue) => isMeant(pathOf(issue)));
  const worded = mistakes.slice(0, MAX_ISSUES).map((issue) => describeIssue(issue, { schema, raw, options }));
  // Of a list in a text, each wrong entry is told as the whole text.
  const issues = [...new Map(worded.map((issue) => [formatIssue(issue), issue])).values()];
  const rest = mistakes.length - worded.length;
  if (rest > 0) issues.push({ path: "", message: `and ${rest.toLocaleString("en")} more` });
  return { success: false, issues };
}

/** `listings[0].sort: expected one of hot, new, got "best"` */
export function formatIssue({ path, message }: Issue): string {
  return path === "" ? message : `${path}: ${message}`;
}

interface Given {
  schema: z.ZodType;
  raw: unknown;
  options: IssueOptions;
}

/** One mistake each: fields that do not exist come in one issue, and those of a union's member within one. */
function split(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ ...issue, keys: [key] }));
    case "invalid_union": {
      const inner = isOfZod(issue.message) ? nearestMember(issue.errors) : null;
      return inner?.flatMap((one) => split({ ...one, path: [...issue.path, ...one.path] })) ?? [issue];
    }
    default:
      return [issue];
  }
}

/** The member of a union that was meant: the only one that has nothing against the value as a whole. */
function nearestMember(errors: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | null {
  const meant = errors.filter((issues) => issues.every(isWithin));
  return meant.length === 1 ? meant[0]! : null;
}

function isWithin({ path, code }: z.core.$ZodIssue): boolean {
  return path.length > 0 || code === "unrecognized_keys" || code === "custom";
}

function pathOf(issue: z.core.$ZodIssue): PropertyKey[] {
  return issue.code === "unrecognized_keys" ? [...issue.path, ...issue.keys] : issue.path;
}

function describeIssue(issue: z.core.$ZodIssue, { schema, raw, options }: Given): Issue {
  const { path, value } = valueAt(raw, issue.path);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const known = options.unknownFields ?? {};
    const message =
      path.length === 0 && Object.hasOwn(known, key)
        ? known[key]!
        : `no such field${suggest(key, fieldsAt(schema, path))}`;
    return { path: formatPath([...path, key], options), message };
  }
  const entry = issue.path[path.length];
  const where = typeof entry === "number" ? ` for entry ${entry + 1}` : "";
  const expected = `expected ${expectation(issue)}${where}`;
  const isMissing = value === undefined && issue.code !== "custom";
  const given = isSecret(path, options) && value != null ? "a secret value" : showFor(issue, value, options);
  const message = isMissing ? `is required; ${expected}` : `${expected}, got ${given}`;
  return { path: formatPath(path, options), message };
}

function isSecret(path: readonly PropertyKey[], options: IssueOptions): boolean {
  const names = path.map(String);
  return options.isSecret === true || names.some((name) => options.secrets?.has(name) || isSecretName(name));
}

/** A schema's own words come before ours. */
function expectation(issue: z.core.$ZodIssue): string {
  if (!isOfZod(issue.message)) return issue.message.replace(/^expected /, "");
  switch (issue.code) {
    case "invalid_type":
      return kindOf(issue.expected);
    case "too_small":
      return sizeOf(issue.origin, issue.minimum, issue.exact ? "exactly" : atLeast(issue));
    case "too_big":
      return sizeOf(issue.origin, issue.maximum, issue.exact ? "exactly" : atMost(issue));
    case "invalid_format":
      return formatOf(issue);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_value":
      return oneOf(issue.values);
    case "invalid_union":
      return unionOf(issue);
    case "invalid_key":
      return `names that are ${alternatives(issue.issues.map(expectation))}`;
    case "invalid_element":
      return `entries that are ${alternatives(issue.issues.map(expectation))}`;
    default:
      return "another value";
  }
}

function isOfZod(message: string): boolean {
  return /^(?:Invalid|Too (?:big|small)|Unrecognized)\b/.test(message);
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  bigint: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  set: "a list",
  object: "an object",
  record: "an object",
  map: "an object",
  date: "a date",
  null: "null",
  nan: "NaN",
  never: "nothing",
  undefined: "nothing",
  void: "nothing",
  nonoptional: "a value",
};

function kindOf(expected: string): string {
  return KINDS[expected] ?? `a value of type ${expected}`;
}

function atLeast({ origin, inclusive }: z.core.$ZodIssueTooSmall): string {
  if (origin === "date") return inclusive === false ? "a date after" : "a date not before";
  return inclusive === false ? "more than" : "at least";
}

function atMost({ origin, inclusive }: z.core.$ZodIssueTooBig): string {
  if (origin === "date") return inclusive === false ? "a date before" : "a date not after";
  return inclusive === false ? "less than" : "at most";
}

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
  tuple: ["entry", "entries"],
  set: ["entry", "entries"],
  map: ["field", "fields"],
  object: ["field", "fields"],
  record: ["field", "fields"],
  file: ["byte", "bytes"],
};

function sizeOf(origin: string, size: number | bigint, comparison: string): string {
  if (origin === "date") return `${comparison} ${new Date(Number(size)).toISOString()}`;
  const unit = UNITS[origin];
  return unit ? `${comparison} ${size} ${unit[size == 1 ? 0 : 1]}` : `${comparison} ${size}`;
}

const FORMATS: Readonly<Record<string, string>> = {
  email: "an email address",
  url: "a URL",
  datetime: "a date with its time, as 2026-01-31T12:00:00Z",
  date: "a date, as 2026-01-31",
  time: "a time of day, as 12:00:00",
  duration: "a duration, as PT1H30M",
  uuid: "a UUID",
  guid: "a UUID",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  cidrv4: "a range of IPv4 addresses",
  cidrv6: "a range of IPv6 addresses",
  emoji: "an emoji",
  e164: "a phone number, as +15551234567",
  json_string: "JSON in a text",
  lowercase: "a text in lower case",
  uppercase: "a text in upper case",
};

function formatOf(issue: z.core.$ZodIssueInvalidStringFormat): string {
  const { format, pattern } = issue;
  const part = (name: string) => JSON.stringify((issue as unknown as Record<string, unknown>)[name]);
  if (format === "starts_with") return `a text that begins with ${part("prefix")}`;
  if (format === "ends_with") return `a text that ends with ${part("suffix")}`;
  if (format === "includes") return `a text with ${part("includes")} in it`;
  if (FORMATS[format]) return FORMATS[format];
  if ((format === "regex" || format === "template_literal") && pattern !== undefined)
    return `a text that matches ${pattern}`;
  return `a text in the format ${format}`;
}

function oneOf(values: readonly unknown[]): string {
  if (values.length === 1) return String(values[0]);
  return `one of ${listed(values.map(String))}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return [...names.slice(0, MAX_NAMES), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

function unionOf(issue: z.core.$ZodIssueInvalidUnion): string {
  if (issue.inclusive === false) return "a value that fits one of the choices, not several";
  if (issue.discriminator !== undefined && issue.options?.length) return oneOf(issue.options);
  // What each member has against the value as a whole; where it only has something against parts, it is an object.
  const members = issue.errors.map((issues) => issues.find(({ path }) => path.length === 0));
  return alternatives(members.map((member) => (member ? expectation(member) : "an object of another kind")));
}

function alternatives(expectations: readonly string[]): string {
  const distinct = [...new Set(expectations)];
  const last = distinct.pop();
  if (last === undefined) return "another value";
  return distinct.length > 0 ? `${distinct.join(", ")} or ${last}` : last;
}

/** Of what is too long to be shown counts how long it is. */
function showFor(issue: z.core.$ZodIssue, value: unknown, options: IssueOptions): string {
  if (issue.code === "too_big" || issue.code === "too_small") {
    if (issue.origin === "array" && Array.isArray(value)) return String(value.length);
    if (issue.origin === "string" && typeof value === "string" && value.length > MAX_SHOWN)
      return String(value.length);
  }
  return options.showsValues === false ? kindOfValue(value) : showValue(value);
}

function kindOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "boolean"
    ? String(value)
    : kindOf(value === undefined ? "undefined" : typeof value);
}

/** At most about 100 characters of it, whatever its size, as JSON and without secrets. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (value instanceof Date) return Number.isNaN(value.valueOf()) ? "no date" : value.toISOString();
  const text = JSON.stringify(redact(shorten(value, { left: MAX_LOOKED_AT }))) ?? typeof value;
  return escapeControls(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** As much of a value as could be shown. */
function shorten(value: unknown, room: { left: number }, level = 0): unknown {
  room.left -= 1;
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") {
    const text = value.slice(0, Math.max(room.left, 0));
    room.left -= text.length;
    return text;
  }
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (level === MAX_LEVELS) return "…";
  const isList = Array.isArray(value);
  const entries: [string, unknown][] = [];
  for (const name in value) {
    if (room.left <= 0) break;
    if (!isList) room.left -= name.length;
    entries.push([name.slice(0, MAX_LOOKED_AT), shorten(Reflect.get(value, name), room, level + 1)]);
  }
  return isList ? entries.map(([, entry]) => entry) : Object.fromEntries(entries);
}

/** JSON leaves these as they are, and a terminal does not. */
function escapeControls(text: string): string {
  return text.replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Down to a text, which a schema may have split into the list that `path` goes on into. */
function valueAt(raw: unknown, path: readonly PropertyKey[]): { path: PropertyKey[]; value: unknown } {
  let value = raw;
  for (const [index, key] of path.entries()) {
    if (typeof value === "string") return { path: path.slice(0, index), value };
    // `Object.hasOwn`: a field that is missing is not what objects have from their prototype.
    value =
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined;
  }
  return { path: [...path], value };
}

function formatPath(path: readonly PropertyKey[], { whole, prefix }: IssueOptions): string {
  if (path.length === 0) return whole;
  const parts = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${formatName(String(part))}`));
  return `${prefix ?? ""}${parts.join("")}`.replace(/^\./, "");
}

function formatName(name: string): string {
  return /^[\w$@-]{1,100}$/.test(name) ? name : showValue(name);
}

function suggest(name: string, fields: readonly string[]): string {
  const nearest = nearestTo(name, fields);
  if (nearest !== null) return `; did you mean ${nearest}?`;
  return fields.length > 0 ? `; there are ${listed(fields)}` : "";
}

/** The fields that the object at `path` may have. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const readers = path.reduce<Readers>(
    (schemas, key) => schemas.flatMap(readersOf).flatMap((reader) => readerOfEntry(reader, key)),
    [schema],
  );
  const objects = readers.flatMap(readersOf).filter((reader) => reader instanceof z.ZodObject);
  return [...new Set(objects.flatMap(({ shape }) => Object.keys(shape)))];
}

type Readers = z.core.$ZodType[];

/** What reads the value itself: without what stands around it, of a union each member. */
function readersOf(schema: z.core.$ZodType): Readers {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(readersOf);
  if (schema instanceof z.ZodIntersection) return [schema.def.left, schema.def.right].flatMap(readersOf);
  if (schema instanceof z.ZodLazy) return readersOf(schema.def.getter());
  // A transformation that comes first says nothing of the fields; what reads its result does.
  if (schema instanceof z.ZodPipe)
    return readersOf(schema.in instanceof z.ZodTransform ? schema.out : schema.in);
  const inner =
    schema instanceof z.ZodType ? (schema.def as { innerType?: z.core.$ZodType }).innerType : undefined;
  return inner ? readersOf(inner) : [schema];
}

function readerOfEntry(schema: z.core.$ZodType, key: PropertyKey): Readers {
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  const fields: readonly z.core.$ZodType[] | Record<string, z.core.$ZodType> =
    schema instanceof z.ZodObject ? schema.shape : schema instanceof z.ZodTuple ? schema.def.items : [];
  const field: z.core.$ZodType | undefined = Reflect.get(fields, key);
  return field ? [field] : [];
}
