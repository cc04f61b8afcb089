import type { Exchange, SiteRequest } from "../answer.ts";
import type { WindowStats } from "../budgets.ts";
import type { Clock } from "../clock.ts";
import type { Faults } from "../faults.ts";
import { DATA_API_HOST, DATA_API_PREFIX, type Plan, createGateway } from "./gateway.ts";
import type { InstagramWorld } from "./world.ts";

export interface InstagramOptions {
  /** Up to 5,000; of every twenty, each kind of special one. @default 20 */
  creators?: number;
  /** Keys of the data API, each with a plan of its own. @default two */
  apiKeys?: string[];
  /** What a key may do; what is left out is as on the provider's plan PRO. */
  apiPlan?: Partial<Plan>;
}

export interface Instagram {
  /** `null` for a path that is not Instagram's. */
  answer(request: SiteRequest): Exchange | null;
  /** Of all its budgets, each by its owner. */
  windows(): WindowStats[];
  /** Settings that point a client here. */
  env: Record<string, string>;
}

const KEYS = ["sandbox-rapidapi-key-1", "sandbox-rapidapi-key-2"];
const PLAN: Plan = { name: "PRO", perSecond: 10, perHour: 1000, perMonth: 15_000, pricePerCall: 0.00066 };

/** The stand-in for Instagram and for the data API that passes it on. */
export function createInstagram(
  world: InstagramWorld,
  { apiKeys = KEYS, apiPlan = {} }: InstagramOptions,
  { clock, faults }: { clock: Clock; faults: Faults },
): Instagram {
  const gateway = createGateway({ world, clock, faults, keys: apiKeys, plan: { ...PLAN, ...apiPlan } });
  return {
    answer: (request) => (isUnder(DATA_API_PREFIX, request) ? gateway.answer(request) : null),
    windows: () => gateway.budgets.stats(),
    env: {
      INSTAGRAM_API_URL: world.baseUrl + DATA_API_PREFIX,
      RAPIDAPI_HOST: DATA_API_HOST,
      RAPIDAPI_KEY: apiKeys[0]!,
    },
  };
}

function isUnder(prefix: string, { path }: SiteRequest): boolean {
  return path.startsWith(`${prefix}/`);
}
