import type { Exchange, SiteRequest } from "../answer.ts";
import { assertWithin } from "../assert-within.ts";
import type { WindowStats } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import { DATA_API_HOST, DATA_API_PREFIX, type Plan, createGateway } from "./gateway.ts";
import { CDN_PREFIX } from "./media-urls.ts";
import { instagramTruthAt } from "./truth.ts";
import { createWeb } from "./web.ts";
import { WEB_PREFIX } from "./web-answers.ts";
import { type InstagramWorld, contentTime } from "./world.ts";

export interface InstagramOptions {
  /** Up to 5,000; of every twenty, each kind of special one. @default 20 */
  creators?: number;
  /** Keys of the data API, each with a plan of its own. @default two */
  apiKeys?: string[];
  /** What a key may do; what is left out is as on the provider's plan PRO. */
  apiPlan?: Partial<Plan>;
  /** Requests of an address to Instagram itself in 660 virtual seconds. @default 200 */
  webRequests?: number;
  /** Of an address with one set of cookies and one user agent, in the same time. @default 200 */
  identityRequests?: number;
}

/** What Instagram shares with the rest of the stand-in world. */
interface Surroundings extends Omit<InstagramWorld, "creators"> {
  clock: Clock;
  faults: Faults;
  /** Addresses that Instagram sends to the login whatever they ask. */
  blockedAddresses: ReadonlySet<string>;
}

export interface Instagram {
  /** `null` for a path that is not Instagram's. */
  answer(request: SiteRequest): Exchange | null;
  /** The answer to a path below `/_sandbox/truth`; `undefined` when it is not about Instagram. */
  truth(path: string, query: URLSearchParams): unknown;
  /** Of all its budgets, each by its owner. */
  windows(): WindowStats[];
  /** Settings that point a client here. */
  env: Record<string, string>;
}

const KEYS = ["sandbox-rapidapi-key-1", "sandbox-rapidapi-key-2"];
const CREATORS = 20;
const WEB_REQUESTS = 200;
const WEB_WINDOW_SECS = 660;
const PLAN: Plan = { name: "PRO", perSecond: 10, perHour: 1000, perMonth: 15_000, pricePerCall: 0.00066 };

/** @throws {RangeError} naming an option that makes no Instagram */
export function assertInstagramOptions({
  creators = CREATORS,
  apiKeys = KEYS,
  apiPlan,
  webRequests = WEB_REQUESTS,
  identityRequests = WEB_REQUESTS,
}: InstagramOptions): void {
  const plan = { ...PLAN, ...apiPlan };
  assertWithin("instagram.creators", creators, 1, 5000);
  assertWithin("the number of instagram.apiKeys", apiKeys.length, 1, 10_000);
  assertWithin("instagram.apiPlan.perSecond", plan.perSecond, 1, 1000);
  assertWithin("instagram.apiPlan.perHour", plan.perHour, 1, 1_000_000);
  assertWithin("instagram.apiPlan.perMonth", plan.perMonth, 1, 1e9);
  assertWithin("instagram.apiPlan.pricePerCall", plan.pricePerCall, 0, 100);
  assertWithin("instagram.webRequests", webRequests, 1, 1e9);
  assertWithin("instagram.identityRequests", identityRequests, 1, 1e9);
}

/** The stand-in for Instagram and for the data API that passes it on. */
export function createInstagram(
  {
    creators = CREATORS,
    apiKeys = KEYS,
    apiPlan,
    webRequests = WEB_REQUESTS,
    identityRequests = WEB_REQUESTS,
  }: InstagramOptions,
  { seed, growth, startAt, baseUrl, clock, faults, blockedAddresses }: Surroundings,
): Instagram {
  const world = { seed, creators, growth, startAt, baseUrl };
  const plan = { ...PLAN, ...apiPlan };
  const gateway = createGateway({ world, clock, faults, keys: apiKeys, plan });
  const web = createWeb({
    world,
    clock,
    faults,
    blockedAddresses,
    addressAllowance: { requests: webRequests, windowSecs: WEB_WINDOW_SECS },
    identityAllowance: { requests: identityRequests, windowSecs: WEB_WINDOW_SECS },
  });
  return {
    answer(request) {
      if (isUnder(DATA_API_PREFIX, request)) return gateway.answer(request);
      if (isUnder(WEB_PREFIX, request)) return web.answer(request);
      return isUnder(CDN_PREFIX, request) ? answerCdn(request) : null;
    },
    truth: (path, query) => instagramTruthAt(world, path, query, contentTime(world, clock.now())),
    windows: () => [...gateway.budgets.stats(), ...web.budgets.stats()],
    env: {
      INSTAGRAM_API_URL: world.baseUrl + DATA_API_PREFIX,
      RAPIDAPI_HOST: DATA_API_HOST,
      RAPIDAPI_KEY: apiKeys[0]!,
      INSTAGRAM_API_PRICE_USD: String(plan.pricePerCall),
      INSTAGRAM_API_REQUESTS_PER_SEC: String(plan.perSecond),
      INSTAGRAM_API_REQUESTS_PER_HOUR: String(plan.perHour),
      INSTAGRAM_WEB_URL: world.baseUrl + WEB_PREFIX,
    },
  };
}

/** What is asked of it shows in the log: a crawl has no use for pictures. They are all the same one. */
function answerCdn({ path }: SiteRequest): Exchange {
  const isVideo = path.endsWith(".mp4");
  const answer = {
    status: 200,
    headers: { "content-type": isVideo ? "video/mp4" : "image/gif", "cache-control": "max-age=1209600" },
    body: isVideo ? "" : PIXEL,
  };
  return {
    answer,
    client: null,
    endpoint: isVideo ? "/cdn video" : "/cdn picture",
    used: null,
    window: null,
    fault: null,
  };
}

const PIXEL = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64").toString(
  "latin1",
);

function isUnder(prefix: string, { path }: SiteRequest): boolean {
  return path.startsWith(`${prefix}/`);
}
