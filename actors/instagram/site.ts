import { accessSync, constants, statSync } from "node:fs";
import type { Config } from "../../shared/config.ts";
import type { SiteAccess } from "../../shared/crawl/define-actor.ts";
import { InvalidInputError } from "../../shared/errors.ts";
import type { SourceName } from "./input.ts";
import { createApiSite } from "./site-api.ts";
import { createBrowserSite } from "./site-browser.ts";
import { createWebSite } from "./site-web.ts";

const ACCESS: Record<SourceName, (config: Config) => SiteAccess> = {
  api: (config) => ({
    site: createApiSite(config),
    identities: [
      {
        name: "api",
        apiKey: config.rapidApiKey,
        userAgent: "b9-actors/0.1.0",
        proxies: config.proxyUrls,
      },
    ],
  }),
  web: (config) => ({
    site: createWebSite(config),
    identities: [{ name: "web", userAgent: config.instagramUserAgent, proxies: config.proxyUrls }],
  }),
  browser: (config) => ({
    site: createBrowserSite(config),
    identities: [{ name: "browser", userAgent: config.instagramUserAgent, proxies: config.proxyUrls }],
  }),
};

/**
 * The sources as the kit must know them: the first one, and those that take over from it.
 * @throws {InvalidInputError} when a setting is missing, and which
 */
export function createSites(
  config: Config,
  sources: readonly SourceName[],
): SiteAccess & { fallbacks: SiteAccess[] } {
  if (sources.includes("api") && config.rapidApiKey === undefined)
    throw new InvalidInputError(
      "the Instagram data API needs a key: set RAPIDAPI_KEY; or choose another source, as with " +
        '"source": "web" in the input',
    );
  if (sources.includes("browser") && !isProgram(config.chromiumPath))
    throw new InvalidInputError(
      `the source browser needs Chromium: there is none at ${config.chromiumPath}; set CHROMIUM_PATH`,
    );
  const [first, ...fallbacks] = sources.map((source) => ACCESS[source](config));
  return { ...first!, fallbacks };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
