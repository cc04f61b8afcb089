import { expect, it } from "vitest";
import { toJsonb } from "../../../shared/db/jsonb.ts";

it("is JSON.stringify for what Postgres can store", () => {
  const value = {
    text: 'line\nbreak "quoted" \\u0000 as text',
    emoji: "😀",
    list: [1, null, true],
    left: undefined,
  };
  expect(JSON.parse(toJsonb(value))).toEqual(JSON.parse(JSON.stringify(value)));
});

it.each([
  ["a NUL", "a\0b", "a\uFFFDb"],
  ["a high surrogate alone", "a\uD83D", "a\uFFFD"],
  ["a low surrogate alone", "\uDE00b", "\uFFFDb"],
])("replaces %s, wherever it is", (_, bad, good) => {
  expect(JSON.parse(toJsonb({ [bad]: [bad, { deep: bad }], fine: "😀" }))).toEqual({
    [good]: [good, { deep: good }],
    fine: "😀",
  });
});
