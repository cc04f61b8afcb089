import type { Config } from "../../shared/config.ts";
import type { Site } from "../../shared/crawl/site.ts";
import { createBrowserClient } from "./browser.ts";
import { webRules } from "./site-web.ts";
import { isEnough } from "./source-browser.ts";
import { WEB } from "./source-web.ts";

const HOUR_MS = 3_600_000;

/** Instagram's pages, as a browser sees them. */
export function createBrowserSite(config: Config): Site {
  const base = config.instagramWebUrl.replace(/\/$/, "");
  return {
    name: "instagram-web",
    needsToken: false,
    serves: (url) => url.startsWith(`${WEB}/`) && !/^\/(?:api|graphql)\//.test(new URL(url).pathname),
    ceilings: [{ requests: config.instagramWebRequestsPerHour, windowMs: HOUR_MS }],
    wireRequest: (url) => ({ url: base + url.slice(WEB.length), headers: {} }),
    usage: () => ({ provider: "instagram-web", endpoint: "/page", costUsd: 0 }),
    rules: webRules,
    readBudget: () => null,
    createClient: () => createBrowserClient({ executablePath: config.chromiumPath, isEnough }),
  };
}
