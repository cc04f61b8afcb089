import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createQueueFit } from "../../../shared/crawl/queue-fit.ts";
import { createRouter } from "../../../shared/crawl/router.ts";
import { request } from "../../contract/run-storage-samples.ts";

const router = createRouter();
router.addHandler("LISTING", {
  userData: z.object({
    page: z.int(),
    plan: z.object({ sorts: z.array(z.object({ sort: z.string() })), depth: z.int().default(1) }),
    note: z.string().optional(),
  }),
  handle: async () => {},
});
const { misfit } = createQueueFit({ router });
const plan = { sorts: [{ sort: "new" }] };

describe("a request fits its actor", () => {
  it("when its handler would take it, whatever defaults are added", () => {
    expect(misfit(request("a", { userData: { page: 1, plan } }))).toBeNull();
    expect(misfit(request("a", { userData: { page: 1, plan, note: "x" } }))).toBeNull();
  });

  it.each([
    ["a field is missing", { plan }, /^page: /],
    ["a field is of another kind", { page: "1", plan }, /^page: /],
    ["a field has another name", { page: 1, plan, remark: "x" }, /^remark: there is no such field/],
    [
      "so it is deeper down",
      { page: 1, plan: { sorts: [{ sort: "new", time: "week" }] } },
      /^plan\.sorts\.0\.time: there is no/,
    ],
    ["it is nothing", null, /^userData: /],
  ])("but not when %s", (_, userData, message) => {
    expect(misfit(request("a", { userData: userData as never }))).toMatch(message);
  });

  it("but not when nobody handles its label", () => {
    expect(misfit(request("a", { label: "OTHER" }))).toBe("no handler for label OTHER; there are LISTING");
  });
});
