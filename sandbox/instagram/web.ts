import type { Answer, Exchange, SiteRequest } from "../answer.ts";
import { type Allowance, type Budgets, createBudgets } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import { hash, hashText } from "../random.ts";
import { loginPage, plainPage } from "./pages.ts";
import { WEB_PREFIX, answerInstead, loginRedirect, mismatch, pleaseWait } from "./web-answers.ts";
import { webCall } from "./web-endpoints.ts";
import { ASPECT, type InstagramWorld, contentTime } from "./world.ts";

export interface WebOptions {
  world: InstagramWorld;
  clock: Clock;
  faults: Faults;
  /** Requests of an address in a window. */
  addressAllowance: Allowance;
  /** Of an address with one set of cookies and one user agent. */
  identityAllowance: Allowance;
  /** Addresses that are sent to the login whatever they ask. */
  blockedAddresses: ReadonlySet<string>;
}

export interface Web {
  answer(request: SiteRequest): Exchange;
  budgets: Pick<Budgets, "stats">;
}

/** First block of whoever goes on after 20 refusals in a window, virtual; each further one doubles. */
const BLOCK_SECS = 780;

/** Instagram for those who are not logged in. Its pages and its endpoints count together. */
export function createWeb(options: WebOptions): Web {
  const { world, clock, faults, addressAllowance, identityAllowance, blockedAddresses } = options;
  const budgets = createBudgets(world.startAt, BLOCK_SECS);
  let cookies = 0;

  /** Who comes without one gets a cookie, and is from then on an identity of its own. */
  function withCookie(answer: Answer, request: SiteRequest): Answer {
    if (cookieOf(request)) return answer;
    const token = hash(world.seed, ASPECT.limits, ++cookies).toString(36);
    return {
      ...answer,
      headers: { ...answer.headers, "set-cookie": `csrftoken=${token}${cookies}; Path=/` },
    };
  }

  /** Whether the site still answers this client. */
  function count(request: SiteRequest) {
    const now = clock.now();
    const agent = hashText(0, String(request.headers["user-agent"] ?? "")).toString(16);
    const identity = `${request.address} ${cookieOf(request) ?? "-"} ${agent}`;
    const own = budgets.count(identity, identityAllowance, now);
    return own.kind === "open" ? budgets.count(`${request.address} web`, addressAllowance, now) : own;
  }

  return {
    budgets,
    answer(request) {
      const exchange = { client: cookieOf(request), endpoint: null, used: null, window: null, fault: null };
      const uncounted = answerUncounted(request);
      if (uncounted) return { ...exchange, ...uncounted, answer: withCookie(uncounted.answer, request) };
      const at = contentTime(world, clock.now());
      const call = webCall({ world, at }, request);
      const about = { ...exchange, endpoint: call.endpoint, creator: call.creator };
      if (blockedAddresses.has(request.address)) return { ...about, answer: loginRedirect(request) };
      const refusal = refuseAgent(request);
      if (refusal) return { ...about, answer: refusal };

      const { kind, used, window } = count(request);
      if (kind === "blocked") return { ...about, answer: loginRedirect(request), window };
      if (kind === "over")
        return { ...about, answer: pleaseWait(window % 2 === 0 ? 401 : 429), used, window };
      // The body says what a query is about, so that faults can be for one of them.
      const fault = faults.draw(request.method, queryUrl(request));
      const answer = (fault && answerInstead(fault, request)) ?? call.answer(fault);
      return { ...about, answer: withCookie(answer, request), used, window, fault };
    },
  };
}

/** What costs nobody anything: the home page, the login and its like. */
function answerUncounted({ path }: SiteRequest): { answer: Answer; endpoint: string } | null {
  const page = path.slice(WEB_PREFIX.length);
  if (page === "/") return { answer: plainPage(200, "Instagram", "Log in to see more."), endpoint: "/" };
  if (page.startsWith("/challenge/"))
    return { answer: plainPage(200, "Help us confirm it's you", ""), endpoint: "/challenge" };
  if (page.startsWith("/accounts/login")) return { answer: loginPage(), endpoint: "/accounts/login" };
  return null;
}

/** Endpoints are for the site's own scripts in a browser, pages for browsers. */
function refuseAgent({ headers, path }: SiteRequest): Answer | null {
  const agent = String(headers["user-agent"] ?? "");
  const isPage = !/^\/ig\/(api|graphql)\//.test(path);
  if (isPage) return /mozilla/i.test(agent) ? null : plainPage(200, "Login • Instagram", "");
  const isOwnScript = /mozilla/i.test(agent) && headers["x-ig-app-id"] !== undefined;
  return isOwnScript ? null : mismatch(agent);
}

function cookieOf({ headers }: SiteRequest): string | null {
  return /(?:^|;\s*)csrftoken=([^;]+)/.exec(headers.cookie ?? "")?.[1] ?? null;
}

/** With the form of a query behind it, where the address alone does not say what is asked. */
function queryUrl({ url, method, body }: SiteRequest): string {
  return method === "POST" ? `${url}${url.includes("?") ? "&" : "?"}${body}` : url;
}
