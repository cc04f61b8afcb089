import type { Answer } from "../answer.ts";
import { asciiJson } from "../ascii-json.ts";
import type { Creator, InstagramWorld } from "./world.ts";
import { webUser } from "./web-queries.ts";

// The pages of the stand-in's site. Their scripts fetch what the real ones fetch, from the same paths.

/** Query ids that the pages' own scripts ask with. */
const [TIMELINE_DOC_ID, REELS_DOC_ID] = ["7950326061742207", "7845543455542541"];
const APP_ID = "936619743392459";

export function htmlAnswer(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return { status, headers: { "content-type": "text/html; charset=utf-8", ...headers }, body: toAscii(body) };
}

/**
 * A profile, its grid or its reels: the account as inline data, the rest by requests of its script, twelve entries at
 * once, and twelve more whenever the end comes into view.
 * @param prefix of all paths of the site
 */
export function profilePage(
  world: InstagramWorld,
  creator: Creator,
  { tab, at, prefix }: { tab: "posts" | "reels"; at: number; prefix: string },
): Answer {
  const settings = {
    prefix,
    tab,
    id: creator.id,
    username: creator.username,
    app_id: APP_ID,
    timeline_doc_id: TIMELINE_DOC_ID,
    reels_doc_id: REELS_DOC_ID,
  };
  const head = `<title>${creator.username} • Instagram photos and videos</title>
${inlineData(webUser(world, creator, at))}
<script type="application/json" id="settings">${scriptJson(settings)}</script>`;
  const tabs = `<nav><a href="${prefix}/${creator.username}/">Posts</a> <a href="${prefix}/${creator.username}/reels/">Reels</a></nav>`;
  const video = `<video src="${world.baseUrl}/cdn/v/t50.2886-16/intro_n.mp4" preload="auto" muted autoplay></video>`;
  const body = `<header><h2>${creator.username}</h2></header>${tabs}${video}<main></main><footer>Meta</footer>
<script>${SCRIPT}</script>`;
  return htmlAnswer(200, shell(head, body));
}

/** The site without anything of the creator: for walls and for pages that are for everybody. */
export function plainPage(status: number, title: string, text: string): Answer {
  return htmlAnswer(status, shell(`<title>${title}</title>`, `<main><h2>${title}</h2><p>${text}</p></main>`));
}

export function loginPage(): Answer {
  return htmlAnswer(
    200,
    shell(
      "<title>Login • Instagram</title>",
      '<main><form id="loginForm" method="post"><input name="username"><input name="password" type="password"><button>Log in</button></form></main>',
    ),
  );
}

function shell(head: string, body: string): string {
  return `<!DOCTYPE html><html lang="en" class="_9dls"><head><meta charset="utf-8">${head}</head><body>${body}</body></html>`;
}

/** As the real page hands its data to its scripts. */
function inlineData(user: Record<string, unknown>): string {
  const result = { data: { xig_user_by_username: user }, extensions: { is_final: true } };
  const bbox = { __bbox: { complete: true, result } };
  const preload = ["adp_PolarisProfilePageContentQueryRelayPreloader_0", bbox];
  const data = {
    require: [
      [
        "ScheduledServerJS",
        "handle",
        null,
        [{ __bbox: { require: [["RelayPrefetchedStreamCache", "next", [], preload]] } }],
      ],
    ],
  };
  return `<script type="application/json" data-content-len="1" data-sjs>${scriptJson(data)}</script>`;
}

/** JSON that cannot end its script. */
function scriptJson(value: object): string {
  return asciiJson(value).replaceAll("<", "\\u003c");
}

/** Answers are sent as bytes of ASCII. */
function toAscii(html: string): string {
  return html.replace(/[\u0080-\u{10ffff}]/gu, (sign) => `&#${sign.codePointAt(0)};`);
}

/** What runs in the browser. */
const SCRIPT = `
const settings = JSON.parse(document.getElementById("settings").textContent);
const main = document.querySelector("main");
const headers = { "x-ig-app-id": settings.app_id, "x-requested-with": "XMLHttpRequest" };
const isReels = settings.tab === "reels";
let after = null, isLast = false, isBusy = false;

async function loadProfile() {
  const path = settings.prefix + "/api/v1/users/web_profile_info/?username=" + settings.username;
  const response = await fetch(path, { headers });
  if (response.status === 401) location.href = settings.prefix + "/accounts/login/";
}

async function loadPage() {
  if (isBusy || isLast) return;
  isBusy = true;
  const variables = isReels
    ? { data: { include_feed_video: true, page_size: 12, target_user_id: settings.id }, after, first: 12 }
    : { id: settings.id, after, first: 12 };
  const doc_id = isReels ? settings.reels_doc_id : settings.timeline_doc_id;
  const response = await fetch(settings.prefix + "/graphql/query", {
    method: "POST",
    headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ doc_id, variables: JSON.stringify(variables) }),
  });
  const { data } = await response.json();
  const page = isReels ? data.xdt_api__v1__clips__user__connection_v2 : data.user.edge_owner_to_timeline_media;
  for (const { node } of page.edges) show(isReels ? node.media : node);
  after = page.page_info.end_cursor;
  isLast = !page.page_info.has_next_page;
  isBusy = false;
}

function show(medium) {
  const link = document.createElement("a");
  link.href = settings.prefix + "/p/" + (medium.shortcode ?? medium.code) + "/";
  link.style = "display:block;height:300px";
  const image = document.createElement("img");
  image.src = medium.display_url ?? medium.image_versions2.candidates[0].url;
  link.append(image);
  main.append(link);
}

new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) void loadPage();
}, { rootMargin: "100px" }).observe(document.querySelector("footer"));
void loadProfile();
`;
