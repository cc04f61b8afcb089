import { z } from "zod";
import type { Config } from "../config.ts";
import { InvalidInputError } from "../errors.ts";
import { formatIssue, parseValue } from "../parse/issues.ts";
import { readText } from "../text.ts";
import { headerText, proxyUrl } from "../usable.ts";

/**
 * One client as an operator describes it. With n proxies it is n identities. Those of a client id share one token
 * and one budget, for the site counts the client id; without a client id each proxy's address is a client and a
 * budget of its own.
 */
export interface IdentitySpec {
  name: string;
  clientId?: string | undefined;
  /** Empty or absent for an installed app, which has none. */
  clientSecret?: string | undefined;
  userAgent: string;
  /** What the site counts instead of the address, where no token is asked for: the key of a data API. */
  apiKey?: string | undefined;
  /** Empty: goes out directly. */
  proxies: readonly string[];
  /** Ceiling a window; the settings `REDDIT_BUDGET_REQUESTS` and `REDDIT_BUDGET_SECS` when absent. */
  budgetRequests?: number | undefined;
  budgetSecs?: number | undefined;
}

type IdentityConfig = Pick<
  Config,
  "identitiesFile" | "proxyUrls" | "redditClientId" | "redditClientSecret" | "redditUserAgent"
>;

/** Never shown in a message. */
const SECRET_FIELDS = new Set(["client_secret", "proxies"]);

const FileIdentity = z.strictObject({
  name: z.string().min(1),
  client_id: headerText.optional(),
  client_secret: z
    .string()
    .regex(/^[\x20-\x7e]*$/, "printable ASCII characters")
    .optional(),
  user_agent: headerText,
  proxies: z.array(proxyUrl).optional(),
  // As the settings that they stand for.
  budget_requests: z.int().min(1).max(100_000).optional(),
  budget_secs: z.int().min(1).max(86_400).optional(),
});

const IdentitiesFile = z.strictObject({
  reddit: z.array(FileIdentity).min(1).superRefine(refuseMistakenPairs),
});

/**
 * The identities of a worker: those of `IDENTITIES_FILE`, or without one the one of the settings.
 *
 * The file is JSON:
 *
 *     {"reddit": [{
 *       "name": "main",                              unique; messages and the log call it so
 *       "client_id": "…", "client_secret": "…",      none: anonymous, for the source `public`
 *       "user_agent": "linux:my-app:1.0 (by /u/me)", one honest name a client id
 *       "proxies": ["http://user:password@host:port"], left out: those of PROXY_URLS; []: goes out directly
 *       "budget_requests": 1000, "budget_secs": 600  ceiling a window
 *     }]}
 *
 * @throws {InvalidInputError} one line a mistake; secrets are not shown
 */
export function readIdentitySpecs(config: IdentityConfig): IdentitySpec[] {
  const { identitiesFile, proxyUrls } = config;
  if (identitiesFile !== undefined) return readFile(identitiesFile, proxyUrls);
  return [
    {
      name: "default",
      clientId: config.redditClientId,
      clientSecret: config.redditClientSecret,
      userAgent: config.redditUserAgent,
      proxies: proxyUrls,
    },
  ];
}

function readFile(file: string, proxyUrls: readonly string[]): IdentitySpec[] {
  const raw = parseFile(file);
  const parsed = parseValue(IdentitiesFile, raw, { whole: "the file", secrets: SECRET_FIELDS });
  if (!parsed.success) {
    const mistakes = parsed.issues.map(formatIssue);
    throw new InvalidInputError(`IDENTITIES_FILE ${file}:\n  ${mistakes.join("\n  ")}`);
  }
  return parsed.data.reddit.map((identity) => ({
    name: identity.name,
    clientId: identity.client_id,
    clientSecret: identity.client_secret,
    userAgent: identity.user_agent,
    proxies: identity.proxies ?? proxyUrls,
    budgetRequests: identity.budget_requests,
    budgetSecs: identity.budget_secs,
  }));
}

function parseFile(file: string): unknown {
  const wanted = 'expected a JSON file {"reddit": [{"name", "user_agent", …}]}';
  let text: string;
  try {
    text = readText(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new InvalidInputError(`IDENTITIES_FILE ${file}: cannot be read (${code ?? message}); ${wanted}`, {
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's message quotes the text around the mistake, which may be a secret.
    const place = /\(line \d+ column \d+\)/.exec((error as Error).message)?.[0] ?? "at its end";
    throw new InvalidInputError(`IDENTITIES_FILE ${file}: not JSON ${place}; ${wanted}`);
  }
}

function refuseMistakenPairs(identities: z.infer<typeof FileIdentity>[], context: z.RefinementCtx): void {
  const names = new Set<string>();
  for (const [index, { name, client_id, client_secret }] of identities.entries()) {
    if (names.has(name)) {
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: "expected a name that no other identity has",
      });
    }
    names.add(name);
    if (client_secret && !client_id) {
      context.addIssue({
        code: "custom",
        path: [index, "client_id"],
        message: "expected one, for there is a client_secret",
      });
    }
  }
}
