import { field, parseList } from "./parse-list.ts";
import { parseProfile } from "./parse-profile.ts";
import { parseRelated } from "./parse-related.ts";
import type { Source } from "./sources.ts";

/** The data API's own address, whatever INSTAGRAM_API_URL says. */
export const API = "https://instagram-looter2.p.rapidapi.com";

/** More are not given in one answer. */
const COUNT = 12;

/** Endpoints of the lists, and the parameter that goes on. */
const LISTS = { posts: "/user-feeds", reels: "/reels" } as const;

/** RapidAPI's instagram-looter2, and what else has its shapes. @see https://rapidapi.com/irrors-apis/api/instagram-looter2 */
export const apiSource: Source = {
  name: "api",
  // Reels come in pages of 6 to 12, by creator.
  pageSize: { posts: COUNT, reels: 6 },
  profileUrl: ({ ig_user_id, username }) =>
    apiUrl("/profile", ig_user_id === undefined ? { username } : { id: ig_user_id }),
  listUrl: (list, { ig_user_id }, { cursor }) =>
    apiUrl(LISTS[list], { id: ig_user_id, count: String(COUNT), max_id: cursor ?? undefined }),
  relatedUrl: ({ ig_user_id }) => apiUrl("/related-profiles", { id: ig_user_id }),
  parseProfile: (body) => parseProfile(userOf(unwrap(body))),
  parseList: (body, page) => parseList(unwrap(body), page),
  parseRelated: (body) => parseRelated(unwrap(body)),
};

/** Some answers come with a wrapper around, or several: `{"status": 200, "body": {…}}`. */
export function unwrap(body: unknown): unknown {
  const inner = field(body, "body");
  return typeof inner === "object" && inner !== null && typeof field(body, "status") === "number"
    ? unwrap(inner)
    : body;
}

/** `/profile` has the user itself, `/web-profile` has it in `data`. */
function userOf(body: unknown): unknown {
  const data = field(body, "data");
  return field(data, "user") ?? field(body, "user") ?? data ?? body;
}

function apiUrl(path: string, parameters: Record<string, string | undefined>): string {
  const url = new URL(path, API);
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}
