import { field, parseList } from "./parse-list.ts";
import { parseProfile } from "./parse-profile.ts";
import { parseRelated } from "./parse-related.ts";
import type { Source } from "./sources.ts";

/** Instagram's own address, whatever INSTAGRAM_WEB_URL says. */
export const WEB = "https://www.instagram.com";

/** More are not given in one answer, whatever is asked for. */
const PAGE_SIZE = 12;

/** GraphQL queries; the settings have the ids that they go by at present. */
export const DOCUMENTS = ["profile", "timeline", "reels"] as const;
export type DocumentName = (typeof DOCUMENTS)[number];

/** The endpoints of instagram.com that its pages call, without a login. They answer for fewer creators every month. */
export const webSource: Source = {
  name: "web",
  pageSize: { posts: PAGE_SIZE, reels: PAGE_SIZE },
  profileUrl: ({ ig_user_id, username }) =>
    ig_user_id === undefined ? infoUrl(username!) : profileUrl(ig_user_id),
  listUrl: (list, { ig_user_id }, { cursor }) =>
    list === "posts" ? timelineUrl(ig_user_id, cursor) : reelsUrl(ig_user_id, cursor),
  relatedUrl: ({ username }) => infoUrl(username),
  parseProfile: (body) => parseProfile(field(field(body, "data"), "user")),
  parseList,
  parseRelated,
};

/** The account that Instagram keeps itself: it is always there to try a query with. */
const INSTAGRAM_ID = "25025320";

/** Asks a query whose answer nobody needs. */
export function queryProbeUrl(document: DocumentName): string {
  const urls = {
    profile: () => profileUrl(INSTAGRAM_ID),
    timeline: () => timelineUrl(INSTAGRAM_ID, null),
    reels: () => reelsUrl(INSTAGRAM_ID, null),
  };
  return urls[document]();
}

function profileUrl(id: string): string {
  return queryUrl("profile", { id, render_surface: "PROFILE" });
}

function timelineUrl(id: string, cursor: string | null): string {
  return queryUrl("timeline", { id, first: PAGE_SIZE, after: cursor });
}

function reelsUrl(id: string, cursor: string | null): string {
  const data = { include_feed_video: true, page_size: PAGE_SIZE, target_user_id: id };
  return queryUrl("reels", { after: cursor, data });
}

function infoUrl(username: string): string {
  const url = new URL("/api/v1/users/web_profile_info/", WEB);
  url.searchParams.set("username", username);
  return url.href;
}

/** `document` stands for the `doc_id`, which goes out by the settings of the moment. */
function queryUrl(document: DocumentName, variables: object): string {
  const url = new URL("/graphql/query/", WEB);
  url.searchParams.set("document", document);
  url.searchParams.set("variables", JSON.stringify(variables));
  return url.href;
}
