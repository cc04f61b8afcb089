import type { Answer, SiteRequest } from "../answer.ts";
import type { Fault } from "../faults.ts";
import { comments, moreChildren } from "./comment-endpoints.ts";
import { type Call, envelope, inPlace, listing, thing } from "./endpoint.ts";
import { SORTS, type Sort, listedFullnames } from "./listings.ts";
import { appPage, errorAnswer, jsonAnswer } from "./pages.ts";
import { rulesBody } from "./rules.ts";
import { searchPosts, searchSubreddits } from "./search.ts";
import { subredditThing } from "./subreddits.ts";
import { userAbout, userData, userListing } from "./user-endpoints.ts";
import { type Place, type World, placeByName } from "./world.ts";

interface Route {
  /** As the access log and the statistics name it. */
  endpoint: string;
  pattern: RegExp;
  answer: (call: Call) => Answer;
  /** Whether a POST is answered too. */
  takesForm?: boolean;
}

/** The first that matches answers. */
const ROUTES: readonly Route[] = [
  { endpoint: "/api/info", pattern: /^\/api\/info$/, answer: info },
  {
    endpoint: "/api/user_data_by_account_ids",
    pattern: /^\/api\/user_data_by_account_ids$/,
    answer: userData,
  },
  { endpoint: "/api/morechildren", pattern: /^\/api\/morechildren$/, answer: moreChildren, takesForm: true },
  { endpoint: "/subreddits/search", pattern: /^\/subreddits\/search$/, answer: subredditSearch },
  { endpoint: "/search", pattern: /^(?:\/r\/all)?\/search$/, answer: (call) => postSearch(call, null) },
  {
    endpoint: "/comments/{id}",
    pattern: /^\/comments\/([^/]+)(?:\/[^/]*(?:\/([^/]+))?)?$/,
    answer: (call) => comments(call, call.params[0]!, call.params[1] || null),
  },
  { endpoint: "/user/{name}/about", pattern: /^\/u(?:ser)?\/([^/]+)\/about$/, answer: userAbout },
  {
    endpoint: "/user/{name}/{listing}",
    pattern: /^\/u(?:ser)?\/([^/]+)(?:\/(submitted|comments|overview))?$/,
    answer: userListing,
  },
  {
    endpoint: "/r/{subreddit}/about",
    pattern: /^\/r\/([^/]+)\/about$/,
    answer: (call) =>
      inPlace(call, "about", (place) => jsonAnswer(200, subredditThing(call.world, place, call.at))),
  },
  {
    endpoint: "/r/{subreddit}/about/rules",
    pattern: /^\/r\/([^/]+)\/about\/rules$/,
    answer: (call) => inPlace(call, "about", (place) => jsonAnswer(200, rulesBody(call.world, place))),
  },
  {
    endpoint: "/r/{subreddit}/search",
    pattern: /^\/r\/([^/]+)\/search$/,
    answer: (call) => inPlace(call, "listing", (place) => postSearch(call, place)),
  },
  {
    endpoint: "/r/{subreddit}/comments/{id}",
    pattern: /^\/r\/[^/]+\/comments\/([^/]+)(?:\/[^/]*(?:\/([^/]+))?)?$/,
    answer: (call) => comments(call, call.params[0]!, call.params[1] || null),
  },
  {
    endpoint: "/r/{subreddit}/{sort}",
    pattern: new RegExp(`^/r/([^/]+)(?:/(${SORTS.join("|")}))?$`),
    answer: (call) => inPlace(call, "listing", (place) => placeListing(call, place)),
  },
];

/**
 * Answers what a path asks, whatever the host: `.json` and a closing slash are of no account, except that the
 * public host shows its pages to those who do not ask for JSON.
 */
export function answerEndpoint(
  world: World,
  request: SiteRequest,
  { prefix, at, fault }: { prefix: string; at: number; fault: Fault | null },
): { answer: Answer; endpoint: string | null } {
  const path = request.path.slice(prefix.length);
  if (prefix === "/www" && !path.endsWith(".json")) return { answer: appPage(), endpoint: null };
  const bare = path.replace(/\/?(\.json)?$/, "");
  const isForm = request.method === "POST";
  const route = ROUTES.find(
    ({ pattern, takesForm }) => (isForm ? takesForm : request.method === "GET") && pattern.test(bare),
  );
  if (!route) return { answer: errorAnswer(404), endpoint: null };
  const plain = route.answer({
    world,
    at,
    fault,
    params: route.pattern
      .exec(bare)!
      .slice(1)
      .map((part: string | undefined) => decodePart(part ?? "")),
    url: request.url,
    query: isForm ? new URLSearchParams(request.body) : request.query,
    base: `http://${request.headers.host}${prefix}`,
  });
  const isRaw = request.query.get("raw_json") === "1";
  return { answer: isRaw ? plain : escapeStrings(plain), endpoint: route.endpoint };
}

function placeListing(call: Call, place: Place): Answer {
  const sort = (call.params[1] || "hot") as Sort;
  return listing(call, listedFullnames(call.world, place, sort, call.query.get("t"), call.at));
}

/** Up to 100 names or fullnames; what is closed, unknown, or beyond the hundredth is left out without a word. */
function info(call: Call): Answer {
  const names = (call.query.get("sr_name") ?? "").split(",").filter(Boolean);
  const places = names.slice(0, 100).flatMap((name) => placeByName(call.world, name) ?? []);
  const ids = (call.query.get("id") ?? "").split(",").filter(Boolean);
  const fullnames = names.length ? places.map((place) => `t5_${place.id}`) : ids.slice(0, 100);
  const things = [...new Set(fullnames)]
    .map((name) => thing(call.world, name, call.at))
    .filter((text) => text !== null);
  return jsonAnswer(200, envelope(things, null));
}

/** `GET /search`, `/r/{subreddit}/search`: posts, or communities with `type=sr`. `restrict_sr` makes the place count. */
function postSearch(call: Call, place: Place | null): Answer {
  const { query, world, at } = call;
  if (query.get("type") === "sr") return subredditSearch(call);
  const isRestricted = ["1", "on", "true"].includes(query.get("restrict_sr") ?? "");
  const within = isRestricted ? place : null;
  const found = searchPosts(
    world,
    { q: query.get("q") ?? "", within, sort: query.get("sort") ?? "relevance", t: query.get("t") },
    at,
  );
  return listing(call, found, { facets: {} });
}

function subredditSearch(call: Call): Answer {
  return listing(call, searchSubreddits(call.world, call.query.get("q") ?? ""));
}

/** Without `raw_json=1` Reddit escapes these three signs in every string; outside of strings JSON has none. */
function escapeStrings(answer: Answer): Answer {
  if (!answer.headers["content-type"]!.startsWith("application/json")) return answer;
  const body = answer.body.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return { ...answer, body };
}

/** A part that is no valid encoding stands for itself: it names nothing. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
