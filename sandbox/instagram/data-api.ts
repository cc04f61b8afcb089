import type { Answer, SiteRequest } from "../answer.ts";
import { asciiJson } from "../ascii-json.ts";
import type { Fault } from "../faults.ts";
import { hash } from "../random.ts";
import { type Page, type Tab, FEED_PAGE, mediumById, pageOf, reelsPage } from "./feeds.ts";
import { fromCursor, mediumNode, toCursor } from "./graphql-body.ts";
import { mediumBody } from "./media-body.ts";
import { type Medium, mediaCount, mediumAt } from "./media.ts";
import { idOfShortcode, mediaPlace } from "./media-ids.ts";
import { flatUser, relatedBody, restrictedBody, userBody } from "./users-body.ts";
import { exactNumber, roundedNumber } from "./wire-ids.ts";
import { type Creator, type InstagramWorld, creatorById, creatorByName } from "./world.ts";

/** One request to the data API behind its gateway. */
interface Call {
  world: InstagramWorld;
  at: number;
  query: URLSearchParams;
  fault: Fault | null;
}

type Body = Record<string, unknown>;

const ROUTES: Record<string, (call: Call) => Answer> = {
  "/id": (call) => withCreator(call, ({ username, id }) => ({ status: true, username, user_id: id })),
  "/id-media": idMedia,
  "/profile": (call) =>
    withCreator(call, (creator) => ({ ...profileBody(call, creator, false), status: true })),
  "/profile2": (call) => withCreator(call, (creator) => flatProfile(call, creator)),
  "/web-profile": (call) =>
    withCreator(call, (creator) =>
      creator.state === "age_restricted"
        ? profileBody(call, creator, true)
        : { data: { user: profileBody(call, creator, true) }, status: "ok" },
    ),
  "/user-feeds": (call) => withCreator(call, (creator) => feedBody(call, creator)),
  "/user-feeds2": (call) => withCreator(call, (creator) => edgesBody(call, creator)),
  "/reels": (call) => withCreator(call, (creator) => reelsBody(call, creator)),
  "/related-profiles": (call) =>
    withCreator(call, (creator) => ({
      data: { viewer: null, user: { edge_related_profiles: relatedBody(call.world, creator, call.at) } },
      status: "ok",
    })),
  "/post": post,
};

/** Answers what a path of the provider asks; the gateway has let it through. */
export function answerDataApi(
  world: InstagramWorld,
  { query }: Pick<SiteRequest, "query">,
  { path, at, fault }: { path: string; at: number; fault: Fault | null },
): { answer: Answer; endpoint: string | null } {
  const route = ROUTES[path];
  if (!route)
    return { answer: apiAnswer(404, { message: `Endpoint '${path}' does not exist` }), endpoint: null };
  return { answer: route({ world, at, query, fault }), endpoint: path };
}

export function apiAnswer(status: number, body: Body, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: asciiJson(body),
  };
}

/** Whom a request is about, by name or by id; `null` when it is nobody. */
export function askedCreator(world: InstagramWorld, query: URLSearchParams, at: number): Creator | null {
  const id = query.get("id");
  const name = query.get("username");
  if (id) return creatorById(world, id, at);
  return name ? creatorByName(world, name, at) : null;
}

function withCreator(call: Call, body: (creator: Creator) => Body): Answer {
  const { world, query, at, fault } = call;
  if (!query.get("id") && !query.get("username"))
    return apiAnswer(400, { status: false, message: "id or username is required" });
  const creator = askedCreator(world, query, at);
  if (!creator) return apiAnswer(404, { status: false, message: "User not found" });
  const plain = body(creator);
  return apiAnswer(200, fault?.kind === "wrapped" ? { status: 200, body: plain } : plain);
}

function profileBody({ world, at }: Call, creator: Creator, isWhole: boolean): Body {
  if (creator.state === "age_restricted") return restrictedBody(world, creator);
  return userBody(world, creator, { at, isWhole });
}

function flatProfile({ world, at }: Call, creator: Creator): Body {
  const isRestricted = creator.state === "age_restricted";
  const toNumber = toNumberFor(creator);
  const body = isRestricted ? restrictedBody(world, creator) : flatUser(world, creator, { at, toNumber });
  return { ...body, status: true };
}

/** The first paging system: a cursor anchored at the content, which stays good while new media come. */
function feedBody(call: Call, creator: Creator): Body {
  const asked = askedFrom(call, "max_id", ordinalOf);
  const page = pageFor(call, creator, { tab: "feed", size: FEED_PAGE, from: asked.from });
  const cursor = cursorAfter(call, asked, page, (below) => anchor(call, creator, below));
  return {
    items: page.media.map((medium) =>
      mediumBody(call.world, medium, { tab: "feed", toNumber: toNumberFor(creator), at: call.at }),
    ),
    num_results: page.media.length,
    more_available: cursor !== null,
    next_max_id: cursor,
    attempts: String(1 + (hash(call.world.seed, creator.index) % 6)),
  };
}

/** The second one: the number of the next page hidden in base 64. */
function reelsBody(call: Call, creator: Creator): Body {
  const asked = askedFrom(call, "max_id", fromCursor);
  const size = reelsPage(creator.index);
  const page = pageFor(call, creator, { tab: "reels", size, from: asked.from });
  const cursor = cursorAfter(call, asked, page, toCursor);
  return {
    items: page.media.map((medium) => ({
      media: mediumBody(call.world, medium, { tab: "reels", toNumber: toNumberFor(creator), at: call.at }),
    })),
    paging_info: { max_id: cursor ?? "", more_available: cursor !== null },
    status: "ok",
  };
}

/** The third one: the web's `page_info`. */
function edgesBody(call: Call, creator: Creator): Body {
  const asked = askedFrom(call, "end_cursor", fromCursor);
  const page = pageFor(call, creator, { tab: "feed", size: FEED_PAGE, from: asked.from });
  const cursor = cursorAfter(call, asked, page, toCursor);
  return {
    data: {
      user: {
        edge_owner_to_timeline_media: {
          count: mediaCount(call.world, creator.index, call.at),
          page_info: { has_next_page: cursor !== null, end_cursor: cursor },
          edges: page.media.map((medium) => ({ node: mediumNode(call.world, medium, call.at) })),
        },
      },
    },
    status: "ok",
  };
}

/** A cursor as it came, and where it leads. */
interface Asked {
  asked: string | null;
  from: number | null;
}

function askedFrom({ query }: Call, parameter: string, toOrdinal: (cursor: string) => number | null): Asked {
  const asked = query.get(parameter);
  return { asked, from: asked ? toOrdinal(asked) : null };
}

function pageFor(
  { world, query, fault, at }: Call,
  creator: Creator,
  { tab, size, from }: { tab: Tab; size: number; from: number | null },
): Page {
  const overlap = fault?.kind === "rerank" ? fault.overlap : 0;
  const asked = Math.floor(Number(query.get("count") ?? size));
  const limit = Math.min(size, asked > 0 ? asked : size) + (from === null ? 0 : Math.min(overlap, size - 1));
  const page = pageOf(world, creator, tab, { from, limit, at, overlap });
  return fault?.kind === "empty_page" || fault?.kind === "more_without_items" ? { ...page, media: [] } : page;
}

/**
 * The cursor that the answer names. Every sixth creator's last page names one more, behind which there is nothing
 * and which leads to itself.
 */
function cursorAfter(
  { fault }: Call,
  { asked, from }: Asked,
  { below, media }: Page,
  toText: (below: number) => string,
): string | null {
  if (fault?.kind === "repeating_after" && asked) return asked;
  if (below !== null) return toText(below);
  const [first] = media;
  const isEndless = from === 0 || (first && first.creator.index % 6 === 4);
  return isEndless || fault?.kind === "more_without_items" ? toText(0) : null;
}

function anchor({ world, at }: Call, creator: Creator, below: number): string {
  return `${mediumAt(world, creator, below, at).id}_${creator.id}`;
}

function ordinalOf(maxId: string): number | null {
  return mediaPlace(maxId.split("_")[0]!)?.ordinal ?? null;
}

function idMedia({ world, query, at }: Call): Answer {
  const medium = askedMedium(world, query, at);
  if (!medium) return apiAnswer(404, { status: false, message: "Media not found" });
  return apiAnswer(200, { status: true, shortcode: medium.shortcode, media_id: medium.id });
}

function post({ world, query, at }: Call): Answer {
  const medium = askedMedium(world, query, at);
  if (!medium) return apiAnswer(404, { status: false, message: "Media not found" });
  return apiAnswer(200, { ...mediumNode(world, medium, at), status: true });
}

/** By its id, with the creator's behind it or without, or by its address. */
function askedMedium(world: InstagramWorld, query: URLSearchParams, at: number): Medium | null {
  const code = /\/(?:p|reel|reels|tv)\/([\w-]+)/.exec(query.get("url") ?? "")?.[1];
  const id = code ? idOfShortcode(code) : (query.get("id")?.split("_")[0] ?? null);
  return id === null ? null : mediumById(world, id, at);
}

/** Half of the creators' ids come whole, the others as JavaScript rounds them. */
function toNumberFor(creator: Creator) {
  return creator.index % 2 === 0 ? exactNumber : roundedNumber;
}
