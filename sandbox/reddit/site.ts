import type { Answer, Exchange, SiteRequest } from "../answer.ts";
import type { Allowance, Budgets, Verdict } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import type { Fault, Faults } from "../faults.ts";
import { hashText } from "../random.ts";
import { answerEndpoint } from "./endpoints.ts";
import {
  blockedPage,
  challengePage,
  errorAnswer,
  jsonAnswer,
  tooManyPage,
  troublePage,
  unauthorizedAnswer,
} from "./pages.ts";
import type { Tokens } from "./tokens.ts";
import { type World, contentTime } from "./world.ts";

export interface RedditOptions {
  world: World;
  clock: Clock;
  budgets: Budgets;
  faults: Faults;
  tokens: Tokens;
  /** Of each client id, over OAuth. */
  clientAllowance: Allowance;
  /** Of each address, on the public pages. */
  anonymousAllowance: Allowance;
  /** Whether the public `.json` pages still answer. */
  public: "open" | "closed";
  /** Addresses that the site refuses whatever they ask. */
  blockedAddresses: ReadonlySet<string>;
}

/** The API host and the www host live under these prefixes of one port. */
export const OAUTH_PREFIX = "/oauth";
export const PUBLIC_PREFIX = "/www";
export const TOKEN_PATH = `${PUBLIC_PREFIX}/api/v1/access_token`;

/** Libraries that announce themselves instead of their user; Reddit slows them down until they stop. */
const GENERIC_AGENT = /^(python|curl|wget|node|axios|got|undici|okhttp|java|go-http|scrapy|ruby|php|libwww)/i;

/** Answers one request; never throws, never waits. */
export function answerReddit(site: RedditOptions, request: SiteRequest): Exchange {
  const exchange = { client: null, endpoint: null, used: null, window: null, fault: null };
  if (site.blockedAddresses.has(request.address)) return { ...exchange, answer: blockedPage() };
  const refused = refuseAgent(site, request.headers["user-agent"]);
  if (refused) return { ...exchange, answer: refused };
  if (request.path === TOKEN_PATH && request.method === "POST") return answerToken(site, request);
  if (request.path.startsWith(`${PUBLIC_PREFIX}/`)) return answerPublic(site, request);

  const client = site.tokens.clientOf(request.headers.authorization);
  if (client === null) return { ...exchange, answer: unauthorizedAnswer() };
  return {
    ...answerCounted(site, request, { owner: client, allowance: site.clientAllowance, prefix: OAUTH_PREFIX }),
    client,
  };
}

function answerToken(site: RedditOptions, request: SiteRequest): Exchange {
  const { answer, client } = site.tokens.issue(request);
  const fault = site.faults.draw(request.method, request.url);
  const shown = (fault && answerInstead(site, fault, request)) ?? answer;
  return { answer: shown, client, endpoint: "/api/v1/access_token", used: null, window: null, fault };
}

function answerPublic(site: RedditOptions, request: SiteRequest): Exchange {
  if (site.public === "open") {
    const { anonymousAllowance: allowance } = site;
    return {
      ...answerCounted(site, request, { owner: request.address, allowance, prefix: PUBLIC_PREFIX }),
      client: null,
    };
  }
  const answer = hashText(site.world.seed, request.url) % 4 === 0 ? challengePage() : blockedPage();
  return { answer, client: null, endpoint: null, used: null, window: null, fault: null };
}

function answerCounted(
  site: RedditOptions,
  request: SiteRequest,
  { owner, allowance, prefix }: { owner: string; allowance: Allowance; prefix: string },
): Omit<Exchange, "client"> {
  const now = site.clock.now();
  const verdict = site.budgets.count(owner, allowance, now);
  const { used, window } = verdict;
  if (verdict.kind === "blocked")
    return { answer: blockedPage(), endpoint: null, used: null, window, fault: null };
  if (verdict.kind === "over")
    return { answer: tooMany(site, owner, verdict), endpoint: null, used, window, fault: null };

  const fault = site.faults.draw(request.method, request.url);
  const instead = fault && answerInstead(site, fault, request);
  if (instead) return { answer: instead, endpoint: null, used, window, fault };

  const at = contentTime(site.world, now);
  const { answer, endpoint } = answerEndpoint(site.world, request, { prefix, at, fault });
  const isTold = fault?.kind !== "no_headers" && tellsBudget(site.world.seed, answer, request.url);
  const headers = isTold ? { ...answer.headers, ...budgetHeaders(site.clock, verdict) } : answer.headers;
  return { answer: { ...answer, headers }, endpoint, used, window, fault };
}

/** Content always does, redirects never, half of the errors. */
function tellsBudget(seed: number, { status }: Answer, url: string): boolean {
  return status === 200 || (status >= 400 && hashText(seed, url) % 2 === 0);
}

function budgetHeaders(clock: Clock, { used, remaining, resetSecs }: Verdict): Record<string, string> {
  return {
    "x-ratelimit-used": String(used),
    "x-ratelimit-remaining": remaining.toFixed(1),
    "x-ratelimit-reset": String(clock.clientSecs(resetSecs)),
  };
}

/** HTML with `retry-after`, or JSON without: one owner gets the same in all of a window. */
function tooMany({ world, clock }: RedditOptions, owner: string, { window, resetSecs }: Verdict): Answer {
  return hashText(world.seed, `${owner} ${window}`) % 3 === 0
    ? errorAnswer(429)
    : tooManyPage(clock.clientSecs(resetSecs));
}

function refuseAgent({ clock }: RedditOptions, agent = ""): Answer | null {
  if (/mozilla/i.test(agent)) return blockedPage();
  return agent === "" || GENERIC_AGENT.test(agent) ? tooManyPage(clock.clientSecs(60)) : null;
}

/** The answer of a fault that replaces the content; `null` for those that spoil its delivery or order. */
function answerInstead({ tokens }: RedditOptions, fault: Fault, request: SiteRequest): Answer | null {
  switch (fault.kind) {
    case "status":
      return statusAnswer(fault);
    case "html_instead_of_json":
      return troublePage(200);
    case "js_challenge":
      return challengePage();
    case "blocked":
      return blockedPage();
    case "empty_body":
      return jsonAnswer(200, "");
    case "revoke_token":
      tokens.revoke(request.headers.authorization);
      return unauthorizedAnswer();
    default:
      return null;
  }
}

function statusAnswer({ status, body, retry_after_secs: secs }: Fault): Answer {
  const page = status === 429 ? tooManyPage(secs ?? 5) : troublePage(status);
  const answers = { html: page, json: errorAnswer(status), empty: jsonAnswer(status, "") };
  const { "retry-after": _, ...headers } = answers[body].headers;
  const later: Record<string, string> = secs === undefined ? {} : { "retry-after": String(secs) };
  return { ...answers[body], headers: { ...headers, ...later } };
}
