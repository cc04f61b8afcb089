import { expect, it } from "vitest";
import { pathSegment } from "../../../shared/parse/addresses.ts";

it.each(["node", "t:1337", "old name!", "a/b", "..", ".", "%2e%2e", "a?b#c", "é", "a\\b", "\ud800", ""])(
  "a name in a path changes nothing but its own segment: %j",
  (name) => {
    const { pathname, search, hash } = new URL(`/user/${pathSegment(name)}/about`, "https://example.com");
    expect([pathname.split("/").length, search, hash]).toEqual([4, "", ""]);
    expect([pathname.startsWith("/user/"), pathname.endsWith("/about")]).toEqual([true, true]);
  },
);

it("a name that a path can have as it is stays readable", () => {
  expect(["node", "t:1337", "reddit.com", "a-b_c"].map(pathSegment)).toEqual([
    "node",
    "t:1337",
    "reddit.com",
    "a-b_c",
  ]);
  expect(decodeURIComponent(pathSegment("old name!&$*"))).toBe("old name!&$*");
});
