import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { sign } from "../../../shared/webhooks/sign.ts";

it("signs time and body together", () => {
  const signature = sign('{"a":1}', "a secret of many letters", new Date("2026-01-02T03:04:05.678Z"));
  const mac = createHmac("sha256", "a secret of many letters").update('1767323045.{"a":1}').digest("hex");
  expect(signature).toBe(`t=1767323045,v1=${mac}`);
});
