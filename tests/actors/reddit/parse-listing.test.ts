import { describe, expect, it } from "vitest";
import { parseListing } from "../../../actors/reddit/parse-listing.ts";
import { UnexpectedShapeError } from "../../../shared/errors.ts";
import { listing } from "./handling.ts";

const readers = {
  t3: (data: unknown) => ({ post: data }),
  t1: () => {
    throw new UnexpectedShapeError("not a comment");
  },
};

describe("parseListing", () => {
  it("reads each kind with its reader, in the page's order", () => {
    const { items, skipped, after } = parseListing(listing("t3", [{ a: 1 }, { b: 2 }], "t3_b"), readers);
    expect(items).toEqual({ t3: [{ post: { a: 1 } }, { post: { b: 2 } }], t1: [] });
    expect(skipped).toEqual([]);
    expect(after).toBe("t3_b");
  });

  it("an empty page is a page", () => {
    expect(parseListing(listing("t3", []), readers)).toEqual({
      items: { t3: [], t1: [] },
      skipped: [],
      after: null,
    });
  });

  it("tells which children it could not read, and why", () => {
    const body = {
      kind: "Listing",
      data: {
        children: [
          { kind: "t3", data: {} },
          { kind: "t1", data: { name: "t1_x" } },
          { kind: "t5", data: {} },
          7,
        ],
      },
    };
    expect(parseListing(body, readers).skipped).toEqual([
      { id: "t1_x", reason: "not a comment" },
      { id: "#2", reason: "expected t3 or t1, got t5" },
      { id: "#3", reason: expect.stringContaining("not a thing") },
    ]);
  });

  it.each([
    ["html", "<html>"],
    ["an error object", { message: "Forbidden", error: 403 }],
    ["a thing", { kind: "t3", data: {} }],
    ["nothing", null],
  ])("refuses %s", (_what, body) => {
    expect(() => parseListing(body, readers)).toThrow(/^not a listing: /);
  });

  it("refuses a page of which nothing can be read", () => {
    expect(() => parseListing(listing("t5", [{}, {}]), readers)).toThrow(
      "none of 2 children can be read: expected t3 or t1, got t5",
    );
  });

  it("a reader's own mistake is not the site's", () => {
    const broken = {
      t3: () => {
        throw new TypeError("oops");
      },
    };
    expect(() => parseListing(listing("t3", [{}]), broken)).toThrow(TypeError);
  });
});
