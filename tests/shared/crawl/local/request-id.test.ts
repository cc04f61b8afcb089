import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { requestId } from "../../../../shared/crawl/local/request-id.ts";

it.each(["https://example.com", "", "ünïcode", "GET https://oauth.reddit.com/r/node/new?limit=100"])(
  "is Crawlee's id for %j",
  (uniqueKey) => {
    const digest = createHash("sha256").update(uniqueKey).digest("base64");
    expect(requestId(uniqueKey)).toBe(digest.replaceAll(/[+/=]/g, "").slice(0, 15));
  },
);
