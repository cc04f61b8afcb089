import {
  createRouter,
  type GoneContext,
  type HandlerContext,
  type Leftover,
  type Router,
} from "../../shared/crawl/router.ts";
import { readParts } from "../../shared/parse/parts.ts";
import { reportSkipped } from "../../shared/parse/report-skipped.ts";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { startChain } from "./chain.ts";
import { addListRoutes } from "./routes-lists.ts";
import type { MissingCreator, RelatedItem } from "./items.ts";
import {
  nextSource,
  ProbeUserData,
  ProfileUserData,
  profileRequest,
  RelatedUserData,
  relatedRequest,
  withCall,
} from "./requests.ts";
import { SOURCE, sourceOf } from "./sources.ts";

export const router: Router = createRouter();

router.addHandler("PROFILE", {
  userData: ProfileUserData,
  async handle(context) {
    const { target, source: name } = context.request.userData;
    const source = SOURCE[name];
    const { value: profile, skipped } = readParts("profile", () => source.parseProfile(context.body, target));
    if (target.ig_user_id !== undefined && profile.ig_user_id !== target.ig_user_id)
      throw new UnexpectedShapeError(
        `id: expected ${target.ig_user_id}, got ${profile.ig_user_id}: the name ${profile.username} is another's now`,
      );
    await startChain(context, { ...profile, source: sourceOf(source, context.request.url) });
    await reportSkipped(context, skipped);
  },
  async gone(context) {
    if (context.gone.availability === null) return askElsewhere(context);
    return pushMissing(context);
  },
  failed: askElsewhere,
});

addListRoutes(router);

router.addHandler("RELATED", {
  userData: RelatedUserData,
  async handle(context) {
    const { request, body, pushData } = context;
    const { chain } = request.userData;
    const source = SOURCE[chain.source];
    const { related, skipped } = source.parseRelated(body);
    const items: RelatedItem[] = related.map((target) => ({
      ...target,
      source_ig_user_id: chain.creator.ig_user_id,
      source: sourceOf(source, request.url),
    }));
    await pushData(items, "instagram_related");
    await reportSkipped(context, skipped);
    await pushCosts(context);
  },
  gone: askRelatedElsewhere,
  failed: askRelatedElsewhere,
});

/** What a probe shows, the answer's outcome has shown. */
router.addHandler("PROBE", {
  userData: ProbeUserData,
  handle: async () => {},
  gone: async () => "none",
  failed: async () => "none",
});

/** A request that a source could not do, sent or not. */
type Unanswered<UserData> = Omit<HandlerContext<UserData>, "body"> & { wasSent?: boolean };

async function askElsewhere(context: Unanswered<ProfileUserData>): Promise<Leftover> {
  const { userData } = context.request;
  const source = nextSource(userData.plan, userData.source);
  if (source === null) return;
  const costs = withCall(userData.costs, context, userData);
  const requests = profileRequest({ ...userData, source, costs });
  await context.addRequests(requests);
  if (requests.length > 0) return "none";
}

async function askRelatedElsewhere(context: Unanswered<RelatedUserData>): Promise<Leftover> {
  const { chain } = context.request.userData;
  const source = nextSource(chain.plan, chain.source);
  if (source === null) return pushCosts(context);
  const costs = withCall(chain.costs, context, chain);
  await context.addRequests([relatedRequest({ chain: { ...chain, source, costs } })]);
  return "none";
}

async function pushCosts(context: Unanswered<RelatedUserData>): Promise<void> {
  const { chain } = context.request.userData;
  const costs = withCall(chain.costs, context, chain);
  await context.pushData({ ig_user_id: chain.creator.ig_user_id, ...costs }, "instagram_creators");
}

/** What the site stated about a creator instead of a profile; of one known by name alone, only the failure tells. */
async function pushMissing(context: GoneContext<ProfileUserData>): Promise<void> {
  const { request, gone } = context;
  const { target, source, costs } = request.userData;
  if (target.ig_user_id === undefined || gone.availability === null) return;
  const missing: MissingCreator = {
    ig_user_id: target.ig_user_id,
    availability: gone.availability,
    availability_reason: gone.reason,
    source: sourceOf(SOURCE[source], request.url),
    ...withCall(costs, context, request.userData),
  };
  await context.pushData(missing, "instagram_creators");
}
