import type { InstagramOptions } from "../../sandbox/instagram/site.ts";
import type { Sandbox, SandboxOptions } from "../../sandbox/sandbox.ts";
import { type Ask, type Json, type Reply, ask, control, sandboxFor } from "./sandbox-client.ts";

/** Twenty creators, and a plan that tests do not wait for. */
const PLAN = { perSecond: 1000, perHour: 10_000 };

export interface InstagramSite {
  sandbox: Sandbox;
  /** The data API, with the first key. */
  api: (path: string, more?: Ask) => Promise<Reply>;
  apiJson: <T = Json>(path: string) => Promise<T>;
  /** The web, as its own scripts ask. */
  web: (path: string, more?: Ask) => Promise<Reply>;
  /** A GraphQL query's `data`. */
  query: <T = Json>(docId: string, variables: Json) => Promise<T>;
  truth: <T>(path: string) => Promise<T>;
}

/** A sandbox that ends with the test, with what asks its Instagram. */
export async function instagramSite(
  { apiPlan, ...instagram }: InstagramOptions = {},
  options: SandboxOptions = {},
): Promise<InstagramSite> {
  const sandbox = await sandboxFor({
    ...options,
    instagram: { ...instagram, apiPlan: { ...PLAN, ...apiPlan } },
  });
  const { env } = sandbox;
  const apiHeaders = { "x-rapidapi-key": env["RAPIDAPI_KEY"]!, "x-rapidapi-host": env["RAPIDAPI_HOST"]! };
  const webHeaders = { "user-agent": "Mozilla/5.0 (compatible; test)", "x-ig-app-id": "936619743392459" };
  const api = (path: string, more: Ask = {}): Promise<Reply> =>
    ask(env["INSTAGRAM_API_URL"]! + path, { ...more, headers: { ...apiHeaders, ...more.headers } });
  const web = (path: string, more: Ask = {}): Promise<Reply> =>
    ask(env["INSTAGRAM_WEB_URL"]! + path, { ...more, headers: { ...webHeaders, ...more.headers } });
  return {
    sandbox,
    api,
    apiJson: async <T = Json>(path: string) => JSON.parse((await api(path)).body) as T,
    web,
    query: async <T = Json>(docId: string, variables: Json) => {
      const body = String(new URLSearchParams({ doc_id: docId, variables: JSON.stringify(variables) }));
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return (
        JSON.parse((await web("/graphql/query", { method: "POST", headers, body })).body) as { data: T }
      ).data;
    },
    truth: <T>(path: string) => control<T>(sandbox, `/truth/${path}`),
  };
}

export interface Overview {
  names: string[];
  ids: string[];
  availability: Record<string, string>;
  renamed: Record<string, string[]>;
}

export interface FeedPage {
  items: Json[];
  more_available: boolean;
  next_max_id: string | null;
}

export interface ReelsPage {
  items: { media: Json }[];
  paging_info: { max_id: string; more_available: boolean };
  status: string;
}

/** All pages of a feed, at most `limit`. */
export async function feedPages({ apiJson }: InstagramSite, id: string, limit = 50): Promise<FeedPage[]> {
  const pages: FeedPage[] = [];
  for (
    let cursor: string | null = "";
    cursor !== null && pages.length < limit;
    cursor = pages.at(-1)!.next_max_id
  )
    pages.push(await apiJson<FeedPage>(`/user-feeds?id=${id}&count=12&max_id=${cursor}`));
  return pages;
}

/** All pages of reels, at most `limit`. */
export async function reelsPages({ apiJson }: InstagramSite, id: string, limit = 50): Promise<ReelsPage[]> {
  const pages: ReelsPage[] = [];
  for (let cursor: string | null = ""; cursor !== null && pages.length < limit;) {
    const page: ReelsPage = await apiJson<ReelsPage>(`/reels?id=${id}&max_id=${encodeURIComponent(cursor)}`);
    pages.push(page);
    cursor = page.paging_info.more_available ? page.paging_info.max_id : null;
  }
  return pages;
}
