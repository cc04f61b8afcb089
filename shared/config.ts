import { parseEnv } from "node:util";
import { z } from "zod";
import { InvalidInputError } from "./errors.ts";
import { formatIssue, parseValue } from "./parse/issues.ts";
import { readText } from "./text.ts";
import { headerText, httpUrl, originUrl, proxyUrl, siteUrl } from "./usable.ts";

interface Field<Schema extends z.ZodType> {
  schema: Schema;
  env: string;
  /** One line, for `.env.example` and the README. */
  help: string;
  secret: boolean;
}

/** A list that is set and has nothing in it is a mistake: nobody would see that it counts for none. */
const listOf = <Entry extends z.ZodType<unknown, string>>(entry: Entry) =>
  z
    .string()
    .transform((text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(entry).min(1, "at least one entry"));
const docId = z.string().regex(/^\d+$/, "digits");
const instagramSources = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(z.array(z.enum(["api", "web", "browser"], "api, web or browser")).min(1));
const bool = z.stringbool({ truthy: ["true", "1"], falsy: ["false", "0"], error: "true or false" });
const int = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Every setting: name, type and default, environment variable, help. The only place that names one. */
const FIELDS = {
  storageDir: field(
    z.string().min(1).default("storage"),
    "STORAGE_DIR",
    "folder of local crawls: input, results, journal",
  ),
  logLevel: field(
    z.enum(["trace", "debug", "info", "warn", "error", "silent"]).default("info"),
    "LOG_LEVEL",
    "trace, debug, info, warn, error or silent",
  ),
  maxConcurrency: field(int(1, 1000).default(20), "MAX_CONCURRENCY", "requests in flight at once, at most"),
  maxStallSecs: field(
    int(1, 86_400).default(900),
    "MAX_STALL_SECS",
    "a crawl ends, resumable, when no budget or identity opens within this time",
  ),
  memoryMbytes: field(
    int(128, 65_536).default(1024),
    "MEMORY_MBYTES",
    "memory at which a crawl takes on less work",
  ),
  handlerTimeoutSecs: field(
    int(1, 3600).default(120),
    "HANDLER_TIMEOUT_SECS",
    "one attempt of one request, fetch and handler together",
  ),
  connectTimeoutSecs: field(int(1, 300).default(10), "CONNECT_TIMEOUT_SECS", "until a connection stands"),
  headersTimeoutSecs: field(
    int(1, 300).default(30),
    "HEADERS_TIMEOUT_SECS",
    "from request to the answer's headers",
  ),
  bodyTimeoutSecs: field(int(1, 300).default(30), "BODY_TIMEOUT_SECS", "from headers to the end of the body"),
  maxBodyMbytes: field(
    int(1, 1000).default(10),
    "MAX_BODY_MBYTES",
    "cap of an answer's body after decompression",
  ),
  proxyUrls: field(
    listOf(proxyUrl).default([]),
    "PROXY_URLS",
    "comma-separated proxies, http(s)://user:password@host:port; with any, nothing goes out directly",
    { secret: true },
  ),
  identitiesFile: field(
    z.string().min(1).optional(),
    "IDENTITIES_FILE",
    "JSON file with several identities, instead of the REDDIT_ and PROXY_ variables",
  ),
  redditClientId: field(headerText.optional(), "REDDIT_CLIENT_ID", "client id of an approved Reddit app"),
  redditClientSecret: field(
    headerText.optional(),
    "REDDIT_CLIENT_SECRET",
    "its secret; empty for an installed app",
    { secret: true },
  ),
  redditUserAgent: field(
    headerText.default("linux:b9-actors:0.1.0"),
    "REDDIT_USER_AGENT",
    "honest and unique: platform:app id:version (by /u/name)",
  ),
  redditApiUrl: field(siteUrl.default("https://oauth.reddit.com"), "REDDIT_API_URL", "host of the OAuth API"),
  redditTokenUrl: field(
    siteUrl.default("https://www.reddit.com/api/v1/access_token"),
    "REDDIT_TOKEN_URL",
    "where tokens are issued",
  ),
  redditPublicUrl: field(
    siteUrl.default("https://www.reddit.com"),
    "REDDIT_PUBLIC_URL",
    "host of the anonymous .json pages, for the source `public`",
  ),
  redditBudgetRequests: field(
    int(1, 100_000).default(1000),
    "REDDIT_BUDGET_REQUESTS",
    "ceiling a client id and window, whatever the site's headers allow",
  ),
  redditBudgetSecs: field(int(1, 86_400).default(600), "REDDIT_BUDGET_SECS", "length of that window"),
  rapidApiKey: field(
    headerText.optional(),
    "RAPIDAPI_KEY",
    "key of the Instagram data API, for the source `api`",
    { secret: true },
  ),
  rapidApiHost: field(
    headerText.default("instagram-looter2.p.rapidapi.com"),
    "RAPIDAPI_HOST",
    "the API's name at its marketplace, sent as x-rapidapi-host",
  ),
  instagramApiUrl: field(
    siteUrl.default("https://instagram-looter2.p.rapidapi.com"),
    "INSTAGRAM_API_URL",
    "address of the Instagram data API",
  ),
  instagramWebUrl: field(
    siteUrl.default("https://www.instagram.com"),
    "INSTAGRAM_WEB_URL",
    "Instagram itself, for the sources `web` and `browser`",
  ),
  instagramSources: field(
    instagramSources.default(["api"]),
    "INSTAGRAM_SOURCES",
    "api, web, browser: the first is used, the next ones where it does not answer",
  ),
  instagramApiPriceUsd: field(
    z.coerce.number().min(0).max(100).default(0.00066),
    "INSTAGRAM_API_PRICE_USD",
    "price of one call to the data API: 9.90 for 15,000 by default",
  ),
  instagramApiRequestsPerSec: field(
    int(1, 1000).default(10),
    "INSTAGRAM_API_REQUESTS_PER_SEC",
    "ceiling of the key's calls a second; the plan's rate",
  ),
  instagramApiRequestsPerHour: field(
    int(1, 1_000_000).default(200),
    "INSTAGRAM_API_REQUESTS_PER_HOUR",
    "ceiling of the key's calls an hour; the plan may allow more",
  ),
  instagramWebRequestsPerHour: field(
    int(1, 1_000_000).default(200),
    "INSTAGRAM_WEB_REQUESTS_PER_HOUR",
    "ceiling of an address's calls an hour to Instagram itself",
  ),
  instagramUserAgent: field(
    headerText.default("Mozilla/5.0 (compatible; b9-actors/0.1.0)"),
    "INSTAGRAM_USER_AGENT",
    "what the sources `web` and `browser` call themselves",
  ),
  instagramAppId: field(
    z.string().regex(/^\d+$/, "digits").default("936619743392459"),
    "INSTAGRAM_APP_ID",
    "x-ig-app-id of Instagram's web pages",
  ),
  instagramProfileDocId: field(
    docId.default("25980296051578533"),
    "INSTAGRAM_PROFILE_DOC_ID",
    "GraphQL query of a profile by id; Instagram changes it every few weeks",
  ),
  instagramTimelineDocId: field(
    docId.default("7950326061742207"),
    "INSTAGRAM_TIMELINE_DOC_ID",
    "GraphQL query of a timeline by id",
  ),
  instagramReelsDocId: field(
    docId.default("7845543455542541"),
    "INSTAGRAM_REELS_DOC_ID",
    "GraphQL query of the reels by id",
  ),
  instagramViralPlays: field(
    int(1, 1_000_000_000).default(50_000),
    "INSTAGRAM_VIRAL_PLAYS",
    "plays from which on a reel can be viral",
  ),
  instagramViralFactor: field(
    z.coerce.number().min(1).max(1000).default(5),
    "INSTAGRAM_VIRAL_FACTOR",
    "how many times the creator's trailing median of plays a viral reel has",
  ),
  chromiumPath: field(
    z.string().min(1).default("/usr/bin/chromium"),
    "CHROMIUM_PATH",
    "the browser of the source `browser`",
  ),
  databaseUrl: field(
    z
      .url({ protocol: /^postgres(ql)?$/, error: "a postgres:// URL" })
      .refine((text) => !URL.parse(text)?.hash, "a postgres:// URL with # percent-encoded: %23")
      .optional(),
    "DATABASE_URL",
    "another Postgres than the embedded one, 15 or newer; a transaction pooler on another port than 6543 needs ?pgbouncer=true",
    { secret: true },
  ),
  databaseDir: field(
    z.string().min(1).optional(),
    "DATABASE_DIR",
    "folder of the embedded Postgres; default: database/ in the project",
  ),
  maxConnections: field(int(2, 1000).default(20), "MAX_CONNECTIONS", "database connections of one process"),
  statementTimeoutSecs: field(
    int(1, 86_400).default(60),
    "STATEMENT_TIMEOUT_SECS",
    "the longest that a statement may take in the database",
  ),
  leaseSecs: field(
    int(3, 3600).default(30),
    "LEASE_SECS",
    "requests of a process that died go to the others of its run after this long",
  ),
  datasetRetentionDays: field(
    int(1, 3650).default(7),
    "DATASET_RETENTION_DAYS",
    "items, requests, records and logs of runs are kept this long; tables and runs stay",
  ),
  workers: field(
    int(0, 100).default(4),
    "WORKERS",
    "runs at a time of one worker; 0: the server has no worker of its own",
  ),
  workerClasses: field(
    z
      .string()
      .transform((text) => text.split(",").map((part) => part.trim()))
      .pipe(z.array(z.enum(["http", "browser", "media"])).min(1))
      .default(["http", "browser", "media"]),
    "WORKER_CLASSES",
    "comma-separated classes of actors that the worker takes runs of: http, browser, media",
  ),
  workerMemoryMbytes: field(
    int(128, 4_194_304).optional(),
    "WORKER_MEMORY_MBYTES",
    "memory that the runs of one worker may have in all; default: the machine's",
  ),
  workerMinDiskMbytes: field(
    int(0, 1_000_000).default(500),
    "WORKER_MIN_DISK_MBYTES",
    "a worker takes no run when its disk has less space than this",
  ),
  runLeaseSecs: field(
    int(3, 3600).default(30),
    "RUN_LEASE_SECS",
    "runs of a worker that died go to the others after this long",
  ),
  runMaxLogMbytes: field(
    int(1, 10_000).default(64),
    "RUN_MAX_LOG_MBYTES",
    "log that the output of a run may fill; beyond it only its end is kept",
  ),
  tokenMaxMemoryMbytes: field(
    int(128, 4_194_304).default(16_384),
    "TOKEN_MAX_MEMORY_MBYTES",
    "memory of a run that a token of scope run launches, and of all its runs that are under way",
  ),
  tokenMaxQueuedRuns: field(
    int(1, 1_000_000).default(100),
    "TOKEN_MAX_QUEUED_RUNS",
    "runs of a token of scope run that wait for a worker",
  ),
  tokenMaxPriority: field(
    int(-1_000, 1_000).default(0),
    "TOKEN_MAX_PRIORITY",
    "priority that a token of scope run may give a run",
  ),
  tokenMaxStoredMbytes: field(
    int(1, 10_000_000).default(1_024),
    "TOKEN_MAX_STORED_MBYTES",
    "inputs, items and records that a token of scope run stores within DATASET_RETENTION_DAYS",
  ),
  host: field(
    z.string().min(1).default("127.0.0.1"),
    "HOST",
    "address that the server binds to; another than loopback needs a token",
  ),
  port: field(int(0, 65_535).default(8000), "PORT", "port of the server; 0 picks a free one"),
  apiToken: field(headerText.optional(), "API_TOKEN", "an admin token, beside those of `b9 token create`", {
    secret: true,
  }),
  httpsCert: field(
    z.string().min(1).optional(),
    "HTTPS_CERT",
    "file of the certificate chain; with HTTPS_KEY the server speaks HTTPS",
  ),
  httpsKey: field(z.string().min(1).optional(), "HTTPS_KEY", "file of the certificate's private key"),
  corsOrigins: field(
    listOf(originUrl).default([]),
    "CORS_ORIGINS",
    "comma-separated origins whose pages may call the API with a token",
  ),
  apiMaxBodyMbytes: field(
    int(1, 100).default(9),
    "API_MAX_BODY_MBYTES",
    "cap of a request's body to the API after decompression; where neither run inputs, items nor records are sent, 256 kB",
  ),
  responseStallSecs: field(
    int(1, 3600).default(60),
    "RESPONSE_STALL_SECS",
    "a client that takes nothing of its answer for so long is cut off",
  ),
  anonymousPerMinute: field(
    int(1, 1_000_000).default(60),
    "RATE_LIMIT_ANONYMOUS",
    "requests a minute and address without a valid token",
  ),
  tokenPerSec: field(
    int(1, 1_000_000).default(100),
    "RATE_LIMIT_TOKEN",
    "requests a second and token; twice as many at once. Admin tokens have no limit",
  ),
  cacheEnabled: field(bool.default(true), "CACHE_ENABLED", "answers of the API are kept in memory"),
  cacheTtlSecs: field(int(1, 86_400).default(300), "CACHE_TTL", "seconds that statistics are kept in memory"),
  slowQueryMs: field(
    int(1, 600_000).default(500),
    "SLOW_QUERY_MS",
    "statements of the server that take longer are logged",
  ),
  alertMemoryMbytes: field(
    int(1, 1_000_000).default(1500),
    "ALERT_MEMORY_MBYTES",
    "memory of one server, worker or run that raises an alert",
  ),
  alertErrorRate: field(
    z.coerce.number().positive().max(1).default(0.2),
    "ALERT_ERROR_RATE",
    "share of an actor's requests that may fail within an hour, facts about targets (private, gone) aside",
  ),
  alertNoDataMins: field(
    int(1, 100_000).default(60),
    "ALERT_NO_DATA_MINUTES",
    "a continuous scraper that is on and stores nothing for so long raises an alert",
  ),
  alertDayCostUsd: field(
    z.coerce.number().positive().default(20),
    "ALERT_DAY_COST_USD",
    "what calls of one UTC day may cost",
  ),
  alertDiskFree: field(
    z.coerce.number().min(0).max(1).default(0.1),
    "ALERT_DISK_FREE",
    "share of STORAGE_DIR's disk that must be free",
  ),
  alertWebhookUrl: field(
    httpUrl.optional(),
    "ALERT_WEBHOOK_URL",
    "where alerts are posted to when they open and close; needs ALERT_WEBHOOK_SECRET",
    { secret: true },
  ),
  alertWebhookSecret: field(
    z.string().min(16, "at least 16 characters").optional(),
    "ALERT_WEBHOOK_SECRET",
    "signs what is sent to webhooks: those of alerts and those of runs",
    { secret: true },
  ),
  alertWebhookAllowPrivate: field(
    bool.default(false),
    "ALERT_WEBHOOK_ALLOW_PRIVATE",
    "webhooks may go to private, loopback and link-local addresses",
  ),
  sandboxPort: field(
    int(0, 65_535).default(8790),
    "SANDBOX_PORT",
    "port of the stand-in world; 0 picks a free one",
  ),
  sandboxTimeScale: field(
    z.coerce.number().positive().max(10_000).default(1),
    "SANDBOX_TIME_SCALE",
    "virtual seconds a second in the stand-in world",
  ),
} satisfies Record<string, Field<z.ZodType>>;

export type Config = { readonly [Name in keyof typeof FIELDS]: z.output<(typeof FIELDS)[Name]["schema"]> };

/**
 * Settings from `env`, and from a `.env` file in the current folder for what `env` lacks. Empty counts as absent.
 * @throws {InvalidInputError} one line for every value that cannot be used; secret values are not shown
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env, envFile = ".env"): Config {
  const file = readEnvFile(envFile);
  const values: Record<string, unknown> = {};
  const mistakes: string[] = [];
  for (const [name, { schema, env: variable, secret }] of Object.entries(FIELDS)) {
    const text = env[variable] || file[variable] || undefined;
    const parsed = parseValue(isPlain(text) ? schema : UNPRINTABLE, text, {
      whole: variable,
      isSecret: secret,
    });
    if (parsed.success) values[name] = parsed.data;
    else mistakes.push(...parsed.issues.map(formatIssue));
  }
  if (mistakes.length) throw new InvalidInputError(`invalid configuration:\n  ${mistakes.join("\n  ")}`);
  // Every name of FIELDS was parsed with its own schema above.
  return values as Config;
}

/** No file is no settings; one that is there and cannot be read is a mistake. */
function readEnvFile(file: string): NodeJS.Dict<string> {
  try {
    // Files that were put together have the mark of each in the midst.
    return parseEnv(readText(file).replace(/^\ufeff/gm, ""));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return {};
    throw new InvalidInputError(`${file}: cannot be read: ${code ?? message}`, { cause });
  }
}

/** No value has use for control characters, a mark of a file, or blanks alone: they came in by mistake. */
function isPlain(text: string | undefined): boolean {
  return text === undefined || (!/[\p{Cc}\ufeff]/u.test(text) && text.trim() !== "");
}

const UNPRINTABLE: z.ZodType = z.never(
  "a value without line ends and other control characters, and not only blanks",
);

/** One row a setting, in the table's order, for generated documentation and its test. */
export function describeConfig(): { name: string; env: string; default: string; help: string }[] {
  return Object.entries(FIELDS).map(([name, { schema, env, help }]) => {
    const value: unknown = schema.safeParse(undefined).data;
    return { name, env, default: Array.isArray(value) ? value.join(",") : String(value ?? ""), help };
  });
}

function field<Schema extends z.ZodType>(
  schema: Schema,
  env: string,
  help: string,
  { secret = false } = {},
): Field<Schema> {
  return { schema, env, help, secret };
}
