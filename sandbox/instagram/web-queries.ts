import type { Fault } from "../faults.ts";
import { FEED_PAGE, type Page, type Tab, mediumById, pageOf } from "./feeds.ts";
import { fromCursor, mediumNode, toCursor } from "./graphql-body.ts";
import { mediumBody } from "./media-body.ts";
import { flatUser } from "./users-body.ts";
import type { ToNumber } from "./wire-ids.ts";
import { idOfShortcode } from "./media-ids.ts";
import { mediaCount } from "./media.ts";
import { type Creator, type InstagramWorld, creatorById, creatorByName } from "./world.ts";

/** What a GraphQL query is asked with. */
interface Query {
  world: InstagramWorld;
  at: number;
  variables: Record<string, unknown>;
  fault: Fault | null;
}

/** A query by one of the ids that Instagram changes every few weeks; ids that are in no entry have died. */
interface WebQuery {
  docIds: readonly string[];
  /** As the access log names it. */
  endpoint: string;
  creator: (query: Query) => Creator | null;
  /** The answer's `data`. */
  data: (query: Query, creator: Creator | null) => Record<string, unknown>;
}

const WEB_QUERIES: readonly WebQuery[] = [
  { docIds: ["25980296051578533"], endpoint: "/graphql/query profile", creator: byId, data: profileData },
  { docIds: ["7950326061742207"], endpoint: "/graphql/query timeline", creator: byId, data: edgesData },
  {
    docIds: ["7898261790222653", "9310670392322965"],
    endpoint: "/graphql/query timeline by name",
    creator: ({ world, variables, at }) => creatorByName(world, String(variables["username"] ?? ""), at),
    data: timelineData,
  },
  {
    docIds: ["7845543455542541"],
    endpoint: "/graphql/query reels",
    creator: ({ world, variables, at }) =>
      creatorById(world, String(inner(variables)["target_user_id"] ?? ""), at),
    data: clipsData,
  },
  {
    docIds: ["8845758582119845", "10015901848480474"],
    endpoint: "/graphql/query post",
    creator: () => null,
    data: postData,
  },
];

export function webQuery(docId: string): WebQuery | null {
  return WEB_QUERIES.find(({ docIds }) => docIds.includes(docId)) ?? null;
}

/** The web sends ids as texts. */
const asText: ToNumber = (id) => id;

/** `data.user`, flat as in the apps. */
function profileData({ world, at }: Query, creator: Creator | null): Record<string, unknown> {
  return { user: creator && webUser(world, creator, at) };
}

/** `xig_user_by_username` of the page has the same fields. */
export function webUser(world: InstagramWorld, creator: Creator, at: number): Record<string, unknown> {
  return {
    ...flatUser(world, creator, { at, toNumber: asText }),
    id: creator.id,
    is_business: creator.isBusiness,
    highlight_reel_count: creator.highlights,
    is_joined_recently: creator.isJoinedRecently,
  };
}

function edgesData(query: Query, creator: Creator | null): Record<string, unknown> {
  if (!creator) return { user: null };
  const { world, at } = query;
  const page = askedPage(query, creator, "feed");
  return {
    user: {
      edge_owner_to_timeline_media: {
        count: creator.state === "gated" ? 0 : mediaCount(world, creator.index, at),
        page_info: pageInfo(query, page),
        edges: page.media.map((medium) => ({ node: mediumNode(world, medium, at) })),
      },
    },
  };
}

function timelineData(query: Query, creator: Creator | null): Record<string, unknown> {
  const page = creator ? askedPage(query, creator, "feed") : { media: [], below: null };
  return {
    xdt_api__v1__feed__user_timeline_graphql_connection: {
      edges: page.media.map((medium) => {
        const {
          reshare_count: _,
          media_repost_count: __,
          ...node
        } = mediumBody(query.world, medium, {
          tab: "feed",
          toNumber: asText,
          at: query.at,
        });
        return { node: { ...node, __typename: "XDTMediaDict" }, cursor: `${medium.id}_${medium.creator.id}` };
      }),
      page_info: { ...pageInfo(query, page), has_previous_page: false, start_cursor: null },
    },
  };
}

/** Fields that the reels' query has; it lacks the date, the caption and the video. */
const CLIP_FIELDS = [
  "pk",
  "id",
  "code",
  "user",
  "product_type",
  "media_type",
  "play_count",
  "like_and_view_counts_disabled",
  "comment_count",
  "like_count",
  "clips_tab_pinned_user_ids",
  "image_versions2",
  "original_height",
  "original_width",
];

function clipsData(query: Query, creator: Creator | null): Record<string, unknown> {
  const page = creator ? askedPage(query, creator, "reels") : { media: [], below: null };
  return {
    xdt_api__v1__clips__user__connection_v2: {
      edges: page.media.map((medium) => {
        const body = mediumBody(query.world, medium, { tab: "reels", toNumber: asText, at: query.at });
        const known = Object.fromEntries(
          CLIP_FIELDS.flatMap((field) => (field in body ? [[field, body[field]]] : [])),
        );
        return {
          node: { media: { ...known, view_count: null, carousel_media: null }, __typename: "XDTClipsItem" },
          cursor: "",
        };
      }),
      page_info: { ...pageInfo(query, page), has_previous_page: false, start_cursor: null },
    },
  };
}

function postData({ world, variables, at }: Query): Record<string, unknown> {
  const id = idOfShortcode(String(variables["shortcode"] ?? ""));
  const medium = id === null ? null : mediumById(world, id, at);
  if (!medium) return { xdt_shortcode_media: null };
  const node = mediumNode(world, medium, at);
  return { xdt_shortcode_media: { ...node, __typename: `XDT${String(node["__typename"])}` } };
}

function byId({ world, variables, at }: Query): Creator | null {
  return creatorById(world, String(variables["id"] ?? ""), at);
}

/** Twelve at most, whatever is asked for. */
function askedPage({ world, at, variables, fault }: Query, creator: Creator, tab: Tab): Page {
  const after = variables["after"];
  const from = typeof after === "string" && after !== "" ? fromCursor(after) : null;
  const first = Number(
    variables["first"] ?? inner(variables)["page_size"] ?? inner(variables)["count"] ?? FEED_PAGE,
  );
  const overlap = fault?.kind === "rerank" && from !== null ? Math.min(fault.overlap, FEED_PAGE - 1) : 0;
  const limit = Math.min(FEED_PAGE, first > 0 ? Math.floor(first) : FEED_PAGE) + overlap;
  const page = pageOf(world, creator, tab, { from, limit, at, overlap });
  return fault?.kind === "empty_page" ? { ...page, media: [] } : page;
}

function pageInfo({ variables, fault }: Query, { below }: Page) {
  const after = variables["after"];
  const isRepeated = fault?.kind === "repeating_after" && below !== null && typeof after === "string";
  const cursor = below === null ? null : toCursor(below);
  return { has_next_page: cursor !== null, end_cursor: isRepeated ? after : cursor };
}

/** The newer queries have most of their variables in `data`. */
function inner(variables: Record<string, unknown>): Record<string, unknown> {
  return (variables["data"] ?? {}) as Record<string, unknown>;
}
