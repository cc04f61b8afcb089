import type { Answer, SiteRequest } from "../answer.ts";
import type { Fault } from "../faults.ts";
import { loginPage, plainPage, profilePage } from "./pages.ts";
import { WEB_PREFIX, deadQuery, json, loginRedirect, notFoundPage, requireLogin } from "./web-answers.ts";
import { restrictedBody, userBody } from "./users-body.ts";
import { webQuery } from "./web-queries.ts";
import { type Creator, type InstagramWorld, creatorByName } from "./world.ts";

/** A request that is counted, and what it is about. */
export interface WebCall {
  endpoint: string;
  creator: string | null;
  answer: (fault: Fault | null) => Answer;
}

export function webCall({ world, at }: { world: InstagramWorld; at: number }, request: SiteRequest): WebCall {
  const path = request.path.slice(WEB_PREFIX.length);
  if (/^\/(api\/)?graphql(\/query)?\/?$/.test(path)) return queryCall({ world, at }, request);
  if (/^\/api\/v1\/users\/web_profile_info\/?$/.test(path)) {
    const name = request.query.get("username") ?? "";
    return {
      endpoint: "/api/v1/users/web_profile_info",
      creator: name,
      answer: () => profileInfo(world, creatorByName(world, name, at), at),
    };
  }
  const [, username = "", tab] = /^\/([\w.]{1,30})(?:\/(reels))?\/?$/.exec(path) ?? [];
  if (username === "") return { endpoint: path, creator: null, answer: notFoundPage };
  return {
    endpoint: tab ? "/{username}/reels" : "/{username}",
    creator: username,
    answer: () => {
      const creator = creatorByName(world, username, at);
      return creator
        ? creatorPage(world, creator, { tab: tab ? "reels" : "posts", at, request })
        : notFoundPage();
    },
  };
}

function queryCall({ world, at }: { world: InstagramWorld; at: number }, request: SiteRequest): WebCall {
  const form = request.method === "POST" ? new URLSearchParams(request.body) : request.query;
  const query = webQuery(form.get("doc_id") ?? "");
  const variables = parseVariables(form.get("variables"));
  if (!query) return { endpoint: "/graphql/query unknown", creator: null, answer: deadQuery };
  const creator = query.creator({ world, at, variables, fault: null });
  return {
    endpoint: query.endpoint,
    creator: creator?.username ?? null,
    answer: (fault) => {
      if (fault?.kind === "dead_doc_id") return deadQuery();
      if (creator?.state === "login_required") return requireLogin(creator.username);
      const isShown = creator?.state !== "age_restricted";
      const data = query.data({ world, at, variables, fault }, isShown ? creator : null);
      return json(200, { data, extensions: { is_final: true }, status: "ok" });
    },
  };
}

function profileInfo(world: InstagramWorld, creator: Creator | null, at: number): Answer {
  if (!creator) return json(404, { message: "User not found", status: "fail" });
  if (creator.state === "login_required") return requireLogin(creator.username);
  if (creator.state === "age_restricted") return json(200, restrictedBody(world, creator));
  return json(200, { data: { user: userBody(world, creator, { at, isWhole: true }) }, status: "ok" });
}

/** A login wall is a redirect for some, for others a page without anything of the creator. */
function creatorPage(
  world: InstagramWorld,
  creator: Creator,
  { tab, at, request }: { tab: "posts" | "reels"; at: number; request: SiteRequest },
): Answer {
  if (creator.state === "login_required")
    return creator.index % 40 < 20 ? loginRedirect(request) : loginPage();
  if (creator.state === "age_restricted")
    return plainPage(200, "Restricted profile", "You must be 18 years old or over to see this profile");
  return profilePage(world, creator, { tab, at, prefix: WEB_PREFIX });
}

/** What is no JSON object asks for nothing. */
function parseVariables(text: string | null): Record<string, unknown> {
  if (text === null || !text.trimStart().startsWith("{")) return {};
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
