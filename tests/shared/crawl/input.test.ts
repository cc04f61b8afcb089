import { expect, it } from "vitest";
import { z } from "zod";
import { parseInput } from "../../../shared/crawl/input.ts";
import { InvalidInputError } from "../../../shared/errors.ts";

const Schema = z.strictObject({
  names: z.array(z.string().regex(/^\w+$/, "expected a name: letters and digits")).min(1),
  pages: z.array(z.strictObject({ sort: z.enum(["hot", "new"]), limit: z.int().max(1000).default(100) })),
});

const message = (raw: unknown) => {
  try {
    parseInput(Schema, raw);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInputError);
    return (error as Error).message;
  }
  throw new Error("the input was accepted");
};

it("returns what the schema reads, defaults filled in", () => {
  expect(parseInput(Schema, { names: ["a"], pages: [{ sort: "new" }] })).toEqual({
    names: ["a"],
    pages: [{ sort: "new", limit: 100 }],
  });
});

it("names every wrong field with what would be right and its value", () => {
  const text = message({ names: ["a b"], pages: [{ sort: "best", limit: 2000 }] });
  expect(text.split("\n")).toHaveLength(4);
  expect(text).toContain('names[0]: expected a name: letters and digits, got "a b"');
  expect(text).toContain('pages[0].sort: expected one of hot, new, got "best"');
  expect(text).toContain("pages[0].limit: expected at most 1000, got 2000");
});

it("names unknown fields", () => {
  expect(message({ names: ["a"], pages: [], page: 1, zebra: 2 })).toMatch(
    /page: no such field; did you mean pages\?\n {2}zebra: no such field; there are names, pages$/,
  );
});

it("says who knows what is due", () => {
  expect(message({ names: ["a"], pages: [], due: 5 })).toContain("due: only the server knows what is due");
});

it("says that a field is missing, or the whole input of the wrong kind", () => {
  expect(message({ pages: [] })).toContain("names: is required; expected a list");
  expect(message([])).toContain("input: expected an object, got []");
});

it("cuts long values", () => {
  expect(message({ names: ["x ".repeat(500)], pages: [] }).length).toBeLessThan(300);
});

it("words twenty mistakes and counts the others, however many there are", () => {
  const names = message({ names: Array.from({ length: 100_000 }, () => 1), pages: [] }).split("\n");
  expect(names).toHaveLength(22);
  expect(names.at(-2)).toContain("names[19]: ");
  expect(names.at(-1)!.trim()).toBe("and 99,980 more");
  const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, n]));
  const unknown = message({ names: ["a"], pages: [], ...fields }).split("\n");
  expect(unknown).toHaveLength(22);
  expect(unknown.at(-1)!.trim()).toBe("and 4,980 more");
});

it("cuts long names of fields", () => {
  expect(message({ names: ["a"], pages: [], ["x".repeat(1e6)]: 1 }).length).toBeLessThan(300);
});
