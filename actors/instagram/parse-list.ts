import { z } from "zod";
import { flag, lenient, text } from "../../shared/parse/fields.ts";
import { assertSomeRead, readEach, readShape, type SkippedChild } from "../../shared/parse/shape.ts";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { type SeenMedia, withPins } from "./media.ts";
import { readGraphqlMedia } from "./parse-graphql.ts";
import { readPrivateMedia } from "./parse-private.ts";

/** A page of a creator's posts or reels. */
export interface MediaPage {
  media: SeenMedia[];
  skipped: SkippedChild[];
  /** Asks for the next page; `null` when this is the last. */
  cursor: string | null;
}

/** The grid, or the reels tab: each has pins of its own. */
export type ListName = (typeof LISTS)[number];
/** In the order in which they are read. */
export const LISTS = ["posts", "reels"] as const;

export interface PageRead {
  list: ListName;
  /** The list's first page. */
  isFirst: boolean;
}

const Cursor = lenient(z.union([z.string(), z.number().transform(String)]));

/** Cursors of the apps' lists: `next_max_id` beside a feed's items, `max_id` in `paging_info` beside reels. */
const AppList = z.object({
  items: z.array(z.unknown()),
  more_available: flag,
  next_max_id: Cursor,
  paging_info: lenient(z.object({ max_id: Cursor, more_available: flag })),
});

/** Cursors of GraphQL: `end_cursor` in `page_info`. */
const Connection = z.object({
  edges: z.array(z.unknown()),
  page_info: lenient(z.object({ end_cursor: text, has_next_page: flag })),
});

/** Names under which GraphQL sends a list of media, alone in `data` or in `data.user`. */
export const CONNECTIONS = {
  posts: [
    "edge_owner_to_timeline_media",
    "xdt_api__v1__feed__user_timeline_graphql_connection",
    "polaris_ordered_timeline_connection",
  ],
  reels: ["xdt_api__v1__clips__user__connection_v2", "polaris_clips_connection"],
} as const;

/**
 * A page of posts or reels in any of the forms that the sources have: `items` or `items[].media` of the apps' API
 * (`GET /user-feeds`, `GET /reels` of the data API), or a connection of GraphQL.
 * @throws {UnexpectedShapeError} when it is none, or nothing in it can be read
 */
export function parseList(body: unknown, { list, isFirst }: PageRead): MediaPage {
  const { entries, cursor } = readPage(body);
  const { items, skipped } = readEach(
    entries.map((entry, index) => [`#${index}`, entry] as const),
    (entry) => readMedia(entry, list),
  );
  assertSomeRead({ items, skipped });
  return { media: withPins(items, { isFirst }), skipped, cursor };
}

function readPage(body: unknown): { entries: unknown[]; cursor: string | null } {
  const connection = findConnection(body);
  if (connection) {
    const { edges, page_info } = readShape(Connection, connection, "a list of media");
    const isLast = page_info?.has_next_page === false;
    return {
      entries: edges.map((edge) => field(edge, "node")),
      cursor: isLast ? null : (page_info?.end_cursor ?? null),
    };
  }
  const list = field(body, "items") === undefined ? (field(body, "data") ?? body) : body;
  const { items, more_available, next_max_id, paging_info } = readShape(AppList, list, "a list of media");
  const hasMore = more_available ?? paging_info?.more_available;
  const cursor = next_max_id ?? paging_info?.max_id ?? null;
  return { entries: items, cursor: hasMore === false ? null : cursor || null };
}

function findConnection(body: unknown): unknown {
  const data = field(body, "data") ?? body;
  for (const holder of [data, field(data, "user")])
    for (const name of Object.values(CONNECTIONS).flat()) {
      const connection = field(holder, name);
      if (connection) return connection;
    }
  return null;
}

function readMedia(entry: unknown, list: ListName): SeenMedia {
  const media = field(entry, "media") ?? entry;
  if (typeof media !== "object" || media === null) throw new UnexpectedShapeError("not a medium: no object");
  return "edge_media_preview_like" in media || "taken_at_timestamp" in media
    ? readGraphqlMedia(media)
    : readPrivateMedia(media, list);
}

export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
