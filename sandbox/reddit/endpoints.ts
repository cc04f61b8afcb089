import type { Answer, SiteRequest } from "../answer.ts";
import type { Fault } from "../faults.ts";
import { hashText } from "../random.ts";
import { postThing } from "./post-body.ts";
import { isExplicit, postCountAt } from "./post-numbers.ts";
import { SORTS, type Sort, listedFullnames, pageOf, pageSize } from "./listings.ts";
import { appPage, errorAnswer, jsonAnswer, redirectAnswer } from "./pages.ts";
import { postAt } from "./posts.ts";
import { rulesBody } from "./rules.ts";
import { subredditThing } from "./subreddits.ts";
import { type Place, type World, placeById, placeByName, postById } from "./world.ts";

/** One request to one endpoint. */
export interface Call {
  world: World;
  at: number;
  /** Decoded parts of the path that the route names, in order. */
  params: string[];
  query: URLSearchParams;
  fault: Fault | null;
  /** Absolute, for redirects. */
  base: string;
}

interface Route {
  endpoint: string;
  methods: readonly string[];
  pattern: RegExp;
  answer: (call: Call) => Answer;
}

const SORT_PATTERN = SORTS.join("|");
const ROUTES: readonly Route[] = [
  get("/api/info", /^\/api\/info$/, info),
  get("/r/{subreddit}/about", /^\/r\/([^/]+)\/about$/, (call) =>
    inPlace(call, "about", (place) => jsonAnswer(200, subredditThing(call.world, place, call.at))),
  ),
  get("/r/{subreddit}/about/rules", /^\/r\/([^/]+)\/about\/rules$/, (call) =>
    inPlace(call, "about", (place) => jsonAnswer(200, rulesBody(call.world, place))),
  ),
  get("/r/{subreddit}/{sort}", new RegExp(`^/r/([^/]+)(?:/(${SORT_PATTERN}))?$`), (call) =>
    inPlace(call, "listing", (place) => placeListing(call, place)),
  ),
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
  const bare = path.replace(/\/$/, "").replace(/\/?\.json$/, "");
  if (prefix === "/www" && !path.endsWith(".json")) return { answer: appPage(), endpoint: null };
  for (const { endpoint, methods, pattern, answer } of ROUTES) {
    const match = methods.includes(request.method) ? pattern.exec(bare) : null;
    if (!match) continue;
    const params = match.slice(1).map((part: string | undefined) => decodePart(part ?? ""));
    const base = `http://${request.headers.host}${prefix}`;
    const query = request.method === "POST" ? new URLSearchParams(request.body) : request.query;
    const plain = answer({ world, at, params, query, fault, base });
    return { answer: request.query.get("raw_json") === "1" ? plain : escapeStrings(plain), endpoint };
  }
  return { answer: errorAnswer(404), endpoint: null };
}

/** The content of a community, or the answer that says why there is none. */
export function inPlace(call: Call, kind: "about" | "listing", content: (place: Place) => Answer): Answer {
  const name = call.params[0]!;
  const place = placeByName(call.world, name);
  if (!place) {
    const isPlain = kind === "about" && hashText(call.world.seed, name.toLowerCase()) % 2 === 0;
    return isPlain
      ? errorAnswer(404)
      : redirectAnswer(`${call.base}/subreddits/search?q=${encodeURIComponent(name)}`);
  }
  const message = "This community is restricted & not for everyone.";
  switch (place.state) {
    case "ok":
      return content(place);
    case "banned":
      return errorAnswer(404, { reason: "banned" });
    case "quarantined":
      return errorAnswer(403, {
        reason: "quarantined",
        quarantine_message: message,
        quarantine_message_html: html(message),
      });
    case "gated":
      return errorAnswer(403, {
        reason: "gated",
        interstitial_warning_message: message,
        interstitial_warning_message_html: html(message),
      });
    default:
      return errorAnswer(403, { reason: place.state });
  }
}

/** A listing of things named by `fullnames`, in order, with the paging that the query asks for. */
export function listing(
  call: Call,
  fullnames: readonly string[],
  more: Record<string, unknown> = {},
): Answer {
  const { query, fault } = call;
  const asked = query.get("after");
  const after = asked && fault?.kind === "lost_anchor" ? "t3_deleted" : asked;
  const overlap = fault?.kind === "rerank" ? fault.overlap : 0;
  const page = pageOf(fullnames, {
    after: after || null,
    before: query.get("before") || null,
    limit: pageSize(query.get("limit")),
    overlap,
  });
  const next = fault?.kind === "repeating_after" && page.after ? asked || page.after : page.after;
  return jsonAnswer(
    200,
    envelope(
      page.items.map((name) => thing(call.world, name, call.at)).filter((text) => text !== null),
      next,
      more,
    ),
  );
}

export function envelope(
  things: readonly string[],
  after: string | null,
  more: Record<string, unknown> = {},
): string {
  const extra = JSON.stringify({ after, dist: things.length, modhash: null, geo_filter: "", ...more }).slice(
    0,
    -1,
  );
  return `{"kind":"Listing","data":${extra},"children":[${things.join(",")}],"before":null}}`;
}

/** A post, community or comment by its fullname, as JSON text; `null` where there is none to see. */
export function thing(world: World, fullname: string, at: number): string | null {
  const [kind, id] = [fullname.slice(0, 3), fullname.slice(3)];
  if (kind === "t5_") {
    const place = placeById(world, id);
    return place?.state === "ok" ? subredditThing(world, place, at) : null;
  }
  if (kind !== "t3_") return null;
  const found = postById(world, id);
  if (!found || found.place.state !== "ok" || found.ordinal >= postCountAt(world, found.place, at))
    return null;
  if (isExplicit(world, found.place, found.ordinal)) return null;
  return postThing(world, postAt(world, found.place, found.ordinal, at));
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

/** Without `raw_json=1` Reddit escapes these three signs in every string; outside of strings JSON has none. */
function escapeStrings(answer: Answer): Answer {
  if (!answer.headers["content-type"]!.startsWith("application/json")) return answer;
  const body = answer.body.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return { ...answer, body };
}

function get(endpoint: string, pattern: RegExp, answer: Route["answer"]): Route {
  return { endpoint, methods: ["GET"], pattern, answer };
}

function html(text: string): string {
  return `<!-- SC_OFF --><div class="md"><p>${text}</p>\n</div><!-- SC_ON -->`;
}

/** A part that is no valid encoding stands for itself: it names nothing. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
