import { z } from "zod";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { pathSegment } from "../../shared/parse/addresses.ts";
import { readShape } from "../../shared/parse/shape.ts";
import type { Target } from "./input.ts";
import { CONNECTIONS, field, type ListName, type MediaPage, parseList } from "./parse-list.ts";
import { parseProfile } from "./parse-profile.ts";
import { parseRelated } from "./parse-related.ts";
import { WEB } from "./source-web.ts";
import type { Source } from "./sources.ts";

/** What a visit of a page brought: the JSON that it held and that its scripts fetched, in order. */
const Visit = z.object({ documents: z.array(z.unknown()), is_whole: z.boolean() });

/**
 * The pages of instagram.com in a browser. A list is read in one visit, by scrolling: the fragment of its address says
 * how far.
 */
export const browserSource: Source = {
  name: "browser",
  pageSize: { posts: 1, reels: 1 },
  profileUrl: ({ username }) => (username === undefined ? null : pageUrl(username, "", "profile")),
  listUrl: (list, { username }, { limit }) =>
    pageUrl(username, list === "reels" ? "reels/" : "", `${list}=${limit}`),
  relatedUrl: ({ username }) => pageUrl(username, "", "related"),
  parseProfile: (body, target) => parseProfile(findAccount(documentsOf(body), target)),
  parseList: (body, { list }) => {
    const { documents, is_whole: isWhole } = visitOf(body);
    const page = joinPages(documents, list);
    // Half a list would make figures of its own.
    if (!isWhole) throw new UnexpectedShapeError(`the page stopped in the middle of its ${list}`);
    return page;
  },
  parseRelated: (body) => parseRelated(findRelated(documentsOf(body))),
};

function pageUrl(username: string, tab: string, fragment: string): string {
  return `${WEB}/${pathSegment(username)}/${tab}#${fragment}`;
}

/** Whether a visit has brought what its address asks for: the account, or as many entries of a list. */
export function isEnough(url: string, documents: readonly unknown[]): boolean {
  const [, list, limit] = /#(posts|reels)=(\d+)$/.exec(url) ?? [];
  if (list === undefined) return true;
  const pages = connectionsIn(documents, CONNECTIONS[list as keyof typeof CONNECTIONS]);
  const hasLast = pages.some((page) => field(field(page, "page_info"), "has_next_page") === false);
  // The account's own document may begin with the page that the list begins with.
  const ids = pages.flatMap((page) => edgesOf(page).map(idOf));
  return hasLast || new Set(ids).size >= Number(limit);
}

function visitOf(body: unknown): z.infer<typeof Visit> {
  return readShape(Visit, body, "the visit of a page");
}

function documentsOf(body: unknown): unknown[] {
  return visitOf(body).documents;
}

/** The fuller of the two forms in which a page has the account. */
function findAccount(documents: unknown[], { username }: Target): unknown {
  const accounts = [...objectsIn(documents)].filter(
    (one) => String(field(one, "username")).toLowerCase() === username,
  );
  const account =
    accounts.find((one) => "edge_followed_by" in one) ?? accounts.find((one) => "follower_count" in one);
  if (!account) throw new UnexpectedShapeError(`the page has no account ${username}`);
  return account;
}

/** One list of all the pages that scrolling brought, each medium once. */
function joinPages(documents: unknown[], list: ListName): MediaPage {
  const names = CONNECTIONS[list];
  const pages = connectionsIn(documents, names);
  if (pages.length === 0) throw new UnexpectedShapeError(`the page has none of ${names.join(", ")}`);
  // Before they are read: in what order they come tells which are pinned.
  const seen = new Set<unknown>();
  const edges = pages.flatMap(edgesOf).filter((edge) => {
    const id = idOf(edge);
    return id === undefined || (!seen.has(id) && seen.add(id));
  });
  return { ...parseList({ data: { [names[0]]: { edges } } }, { list, isFirst: true }), cursor: null };
}

function connectionsIn(documents: readonly unknown[], names: readonly string[]): unknown[] {
  return [...objectsIn(documents)].flatMap((one) =>
    names.map((name) => field(one, name)).filter((connection) => Array.isArray(field(connection, "edges"))),
  );
}

function edgesOf(connection: unknown): unknown[] {
  const edges = field(connection, "edges");
  return Array.isArray(edges) ? edges : [];
}

function idOf(edge: unknown): unknown {
  const node = field(edge, "node");
  return field(field(node, "media") ?? node, "id");
}

function findRelated(documents: unknown[]): unknown {
  const user = [...objectsIn(documents)].find((one) => "edge_related_profiles" in one);
  if (!user) throw new UnexpectedShapeError("the page shows no related profiles");
  return user;
}

/** Every object in `value`, outer ones first. */
function* objectsIn(value: unknown): Generator<object> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value;
  for (const part of Object.values(value)) yield* objectsIn(part);
}
