const HIDDEN = "***";
const MAX_DEPTH = 8;

const SECRET_WORDS = "token|secret|password|passwd|authorization|cookies?|(?:api|rapidapi)[-_]?key";
const SECRET_NAME = new RegExp(`(?:${SECRET_WORDS})$`, "i");

/** Where secrets stand in text. Wide on purpose: a word hidden too many costs nothing. Repeats are bounded, for time. */
const PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // http://user:password@host and http://key@host. A password with a raw "@" runs to the last one before the path.
  [/\b([a-z][a-z\d+.-]{0,20}:\/\/)([^\s/?#@:"']*):[^\s/?#"']*@/gi, `$1$2:${HIDDEN}@`],
  [/\b([a-z][a-z\d+.-]{0,20}:\/\/)[^\s/?#@:"']+@/gi, `$1${HIDDEN}@`],
  // {"access_token": "…"}, token: '…', and the same in JSON within a JSON string.
  [
    new RegExp(
      `\\b([\\w-]{0,40}(?:${SECRET_WORDS})["'\\\\]*\\s*:\\s*\\[?\\s*)(?:(\\\\["'])[^"'\\\\]*|(["'])(?:\\\\.|(?!\\3)[^\\\\])*)`,
      "gi",
    ),
    `$1$2$3${HIDDEN}`,
  ],
  // Header lines, to their end.
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|x-rapidapi-key)(\s*[:=]\s*)[^\s"'][^\r\n]*/gi,
    `$1$2${HIDDEN}`,
  ],
  [new RegExp(`\\b([\\w-]{0,40}(?:${SECRET_WORDS}))=[^&\\s"'<>,;]+`, "gi"), `$1=${HIDDEN}`],
  // "Bearer realm=" is a challenge, and a plain word after "basic" is prose.
  [
    /\b((?:[Bb]earer|BEARER|[Bb]asic|BASIC)\s+)(?!realm=)(?=[\w.~+/=-]*[\dA-Z.~+/=_-])[\w.~+/=-]{6,}/g,
    `$1${HIDDEN}`,
  ],
  // JSON web tokens, which Reddit's are, wherever they stand.
  [/\beyJ[\w-]{8,2000}\.[\w-]+(?:\.[\w-]*)?/g, HIDDEN],
];

/** True for the name of a field whose value is a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * A copy of `value` without secrets: credentials in URLs, Authorization and Cookie headers, tokens, passwords
 * and API keys, in strings, in objects by the name of the field, in errors with message, stack and causes.
 * For logs and messages, not for data: what is nested deep is left out.
 */
export function redact<Value>(value: Value): Value {
  // Each branch of copy() returns what stands for its argument.
  return copy(value, []) as Value;
}

function copy(value: unknown, parents: readonly object[]): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (parents.includes(value)) return "[circular]";
  if (parents.length >= MAX_DEPTH) return "[deep]";
  const path = [...parents, value];
  if (Array.isArray(value)) return value.map((element) => copy(element, path));
  if (value instanceof Error) return copyError(value, path);
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, copyField(name, field, path)]),
  );
}

function copyField(name: string, value: unknown, path: readonly object[]): unknown {
  const isSecret = isSecretName(name) && value !== "" && value != null && typeof value !== "boolean";
  return isSecret ? HIDDEN : copy(value, path);
}

/** Still an instance of its class, so that whoever logs it sees an error. */
function copyError(error: Error, path: readonly object[]): Error {
  const clone: Error = Object.create(Object.getPrototypeOf(error));
  const hidden = ["message", "stack", "cause", "errors"].filter((name) => Object.hasOwn(error, name));
  for (const name of new Set([...hidden, ...Object.keys(error)])) {
    const value: unknown = Reflect.get(error, name);
    const enumerable = !hidden.includes(name);
    Object.defineProperty(clone, name, {
      value: copyField(name, value, path),
      enumerable,
      writable: true,
      configurable: true,
    });
  }
  return clone;
}

function redactText(text: string): string {
  return PATTERNS.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}
