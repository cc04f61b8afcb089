import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
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
      expect(await compareWithWorld(world, config, { source: "web", ...WHOLE })).toEqual([]);
      expect(summary?.failures).toHaveProperty(["gone/require_login"], 1);
      // Neither pictures nor videos were fetched.
      const calls = await world.calls("/ig");
      expect(calls.length).toBeGreaterThan(40);
    }, 240_000);
  },
);
