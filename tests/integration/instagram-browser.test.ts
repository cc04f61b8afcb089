import { existsSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { createBrowserClient } from "../../actors/instagram/browser.ts";
import { readConfig } from "../../shared/config.ts";
import { compareWithWorld, crawlWorld, startWorld } from "./instagram-world.ts";

const { chromiumPath } = readConfig();
const hasChromium = existsSync(chromiumPath);
const WHOLE = { posts: 24, reels: 24 };

describe.skipIf(!hasChromium)(
  `in Chromium${hasChromium ? "" : ` (skipped: there is none at ${chromiumPath})`}`,
  () => {
    it("finds what the pages of twenty creators tell", async () => {
      const world = await startWorld({ instagram: { creators: 20 } });
      const { summary, config } = await crawlWorld(
        world,
        { usernames: world.names, source: "browser", ...WHOLE },
        { env: { CHROMIUM_PATH: chromiumPath } },
      );
      expect(summary?.status).toBe("SUCCEEDED");
      expect(
        await compareWithWorld(world, config, { creators: world.names, source: "browser", ...WHOLE }),
      ).toEqual([]);
      expect(summary?.failures).toHaveProperty(["gone/require_login"], 1);
      // Neither pictures nor videos were fetched.
      expect(await world.calls("/cdn")).toEqual([]);
      expect((await world.calls("/ig")).length).toBeGreaterThan(40);
    }, 240_000);
  },
);

it("is a fault of our own side, not of the site, when no browser starts", async () => {
  const client = createBrowserClient({ executablePath: "/nowhere/chromium", isEnough: () => true });
  onTestFinished(() => client.close());
  const request = {
    method: "GET",
    url: "http://127.0.0.1:1/nasa/",
    headers: {},
    identity: "browser",
    proxyUrl: null,
  } as const;
  await expect(client.send(request)).rejects.toThrow("the browser /nowhere/chromium cannot be started");
});
