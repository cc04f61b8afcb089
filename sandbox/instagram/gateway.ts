import type { Answer, Exchange, SiteRequest } from "../answer.ts";
import { type Allowance, type Budgets, type Verdict, createBudgets } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import type { Fault, Faults } from "../faults.ts";
import { answerDataApi, apiAnswer, askedCreator } from "./data-api.ts";
import { type InstagramWorld, contentTime } from "./world.ts";

/** What a subscription to the data API allows, by the sandbox's time. */
export interface Plan {
  /** In the gateway's words. @default "PRO" */
  name: string;
  /** @default 10 */
  perSecond: number;
  /** @default 1000 */
  perHour: number;
  /** Of 30 days. @default 15000 */
  perMonth: number;
  /** US dollars a call that reaches the provider. @default 0.00066 */
  pricePerCall: number;
}

export interface GatewayOptions {
  world: InstagramWorld;
  clock: Clock;
  faults: Faults;
  /** Those that are subscribed; each has the plan to itself. */
  keys: readonly string[];
  plan: Plan;
}

export interface Gateway {
  answer(request: SiteRequest): Exchange;
  budgets: Pick<Budgets, "stats">;
}

/** The gateway's host lives under this prefix of the sandbox's port. */
export const DATA_API_PREFIX = "/looter2";
export const DATA_API_HOST = "instagram-looter2.p.rapidapi.com";

const DOCS = "https://docs.rapidapi.com/docs/keys";
const UPGRADE = "https://rapidapi.com/irrors-apis/api/instagram-looter2";
const MONTH_SECS = 30 * 86_400;

/**
 * The data API as clients see it, behind its gateway, which checks the key, counts calls and puts its headers on
 * every answer. What it refuses costs nothing and does not count in the windows that are longer than the one that
 * refused.
 * @see https://docs.rapidapi.com/docs/response-headers
 */
export function createGateway({ world, clock, faults, keys, plan }: GatewayOptions): Gateway {
  // A gateway refuses each call for itself and blocks nobody.
  const budgets = createBudgets(world.startAt, 0);
  const windows: { name: WindowName; allowance: Allowance }[] = [
    { name: "second", allowance: { requests: plan.perSecond, windowSecs: 1 } },
    { name: "hour", allowance: { requests: plan.perHour, windowSecs: 3600 } },
    { name: "month", allowance: { requests: plan.perMonth, windowSecs: MONTH_SECS } },
  ];

  function count(key: string): Counts {
    const verdicts: Counts["verdicts"] = {};
    for (const { name, allowance } of windows) {
      verdicts[name] = budgets.count(`${key} ${name}`, allowance, clock.now());
      if (verdicts[name].kind !== "open") return { verdicts, over: name };
    }
    return { verdicts, over: null };
  }

  return {
    budgets,
    answer(request) {
      const key = String(request.headers["x-rapidapi-key"] ?? "");
      const at = contentTime(world, clock.now());
      const asked = request.query.get("username") ?? request.query.get("id");
      const creator = askedCreator(world, request.query, at)?.username ?? asked;
      const path = request.path.slice(DATA_API_PREFIX.length);
      const exchange = {
        client: key || null,
        endpoint: null,
        used: null,
        window: null,
        fault: null,
        creator,
      };
      const refusal = refuse(request, keys);
      if (refusal) return { ...exchange, answer: refusal };

      const counts = count(key);
      const headers = rateHeaders(clock, plan, counts);
      const { used = null, window = null } = counts.verdicts.month ?? {};
      if (counts.over) {
        const answer = gatewayAnswer(429, overMessage(plan, counts.over), headers);
        return { ...exchange, endpoint: path, answer, used, window };
      }
      const fault = faults.draw(request.method, request.url);
      const instead = fault && answerInstead(fault, { plan, headers });
      if (instead) return { ...exchange, ...instead, endpoint: path, used, window, fault };

      const { answer, endpoint } = answerDataApi(world, request, { path, at, fault });
      const shown = fault?.kind === "no_headers" ? answer : withHeaders(answer, headers);
      return { ...exchange, answer: shown, endpoint, used, window, fault, priceUsd: plan.pricePerCall };
    },
  };
}

type WindowName = "second" | "hour" | "month";

interface Counts {
  verdicts: { [Name in WindowName]?: Verdict };
  /** The window that is used up. */
  over: WindowName | null;
}

/** Without the right to a call at all. */
function refuse({ headers }: SiteRequest, keys: readonly string[]): Answer | null {
  const key = headers["x-rapidapi-key"];
  if (!key) return gatewayAnswer(401, `Invalid API key. Go to ${DOCS} for more info.`);
  if (headers["x-rapidapi-host"] !== DATA_API_HOST) return gatewayAnswer(404, "API doesn't exists");
  if (!keys.includes(String(key))) return gatewayAnswer(403, "You are not subscribed to this API.");
  return null;
}

function overMessage({ name }: Plan, window: WindowName): string {
  return window === "month"
    ? `You have exceeded the MONTHLY quota for Requests on your current plan, ${name}. Upgrade your plan at ${UPGRADE}`
    : `You have exceeded the rate limit per ${window} for your plan, ${name}, by the API provider`;
}

/** The month's quota, and of the two rates the one that has less left. */
function rateHeaders(clock: Clock, plan: Plan, { verdicts, over }: Counts): Record<string, string> {
  const { second, hour, month } = verdicts;
  const headers = (prefix: string, limit: number, { remaining, resetSecs }: Verdict) => ({
    [`${prefix}-limit`]: String(limit),
    [`${prefix}-remaining`]: String(remaining),
    [`${prefix}-reset`]: String(clock.clientSecs(resetSecs)),
  });
  const isHourNear = hour && (over === "hour" || hour.remaining < second!.remaining);
  return {
    ...(month && headers("x-ratelimit-requests", plan.perMonth, month)),
    ...(isHourNear
      ? headers("x-ratelimit", plan.perHour, hour)
      : headers("x-ratelimit", plan.perSecond, second!)),
    "x-rapidapi-region": "AWS - eu-central-1",
    "x-rapidapi-version": "1.2.8",
  };
}

/** The answer of a fault that replaces the content, with what it costs; `null` for those that spoil the rest. */
function answerInstead(
  fault: Fault,
  { plan, headers }: { plan: Plan; headers: Record<string, string> },
): Pick<Exchange, "answer" | "priceUsd"> | null {
  const priceUsd = plan.pricePerCall;
  switch (fault.kind) {
    case "per_second":
      return { answer: gatewayAnswer(429, overMessage(plan, "second"), headers) };
    case "monthly_quota": {
      const usedUp = { ...headers, "x-ratelimit-requests-remaining": "0" };
      return { answer: gatewayAnswer(429, overMessage(plan, "month"), usedUp) };
    }
    case "not_subscribed":
      return { answer: gatewayAnswer(403, "You are not subscribed to this API.") };
    case "status":
      return { answer: withHeaders(statusAnswer(fault), headers), priceUsd };
    case "status_false":
      return { answer: withHeaders(apiAnswer(200, FAILURE), headers), priceUsd };
    case "html_instead_of_json":
      return { answer: withHeaders(page(200), headers), priceUsd };
    case "empty_body":
      return { answer: withHeaders({ ...apiAnswer(200, {}), body: "" }, headers), priceUsd };
    default:
      return null;
  }
}

const FAILURE = { status: false, message: "Something went wrong, please try again", attempts: "6" };

function statusAnswer({ status, body, retry_after_secs: secs }: Fault): Answer {
  const answers = {
    html: page(status),
    json: apiAnswer(status, FAILURE),
    empty: { ...apiAnswer(status, {}), body: "" },
  };
  return withHeaders(answers[body], secs === undefined ? {} : { "retry-after": String(secs) });
}

function gatewayAnswer(status: number, message: string, headers: Record<string, string> = {}): Answer {
  return apiAnswer(status, { message }, { ...headers, "x-rapidapi-proxy-response": "true" });
}

function page(status: number): Answer {
  return {
    status,
    headers: { "content-type": "text/html" },
    body: `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status} Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
  };
}

function withHeaders(answer: Answer, headers: Record<string, string>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
