import { describe, expect, it } from "vitest";
import { type Age, isPastNew } from "../../../shared/parse/list-end.ts";

const AGES: Record<string, Age> = { n: "new", o: "old", l: "last", "?": "unknown" };
const ages = (text: string) => [...text].map((sign) => AGES[sign]!);
const first = { isFirst: true };
const later = { isFirst: false };

describe("a page with something new", () => {
  it.each([
    ["nnnnnnoooooo", true],
    ["ooonnnoooooo", true],
    ["nnnnnnnooooo", false],
    ["nnnnnnnnnnol", true],
    ["lnnnnnnnnnnn", false],
    ["oooonnnnnnnn", false],
    ["oooooooooonn", false],
    // Old ones in its middle.
    ["nnooooooonnn", false],
    ["nnnnnnnnnnnn", false],
    // What has no date may be new.
    ["ooooooooooo?", false],
    ["???", false],
    ["", false],
  ])("of %s ends a list: %s", (text, ends) => {
    expect(isPastNew(ages(text), first)).toBe(ends);
    expect(isPastNew(ages(text), later)).toBe(ends);
  });
});

describe("a page with nothing new", () => {
  it("ends a list behind its first page", () => {
    expect(isPastNew(ages("o"), later)).toBe(true);
    expect(isPastNew(ages("oooooooooooo"), later)).toBe(true);
  });

  it("that is the first may be all that is pinned", () => {
    expect(isPastNew(ages("oooooo"), first)).toBe(false);
    expect(isPastNew(ages("oooooooooooo"), first)).toBe(false);
    expect(isPastNew(ages("ooooooooooooo"), first)).toBe(true);
    expect(isPastNew(ages("lo"), first)).toBe(true);
  });
});
