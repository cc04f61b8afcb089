import { expect, it } from "vitest";
import { z } from "zod";
import { list } from "../../../shared/parse/input-fields.ts";

it("a list that is too long is refused before its elements are looked at", () => {
  let looked = 0;
  const schema = list(
    z.number().refine(() => ++looked > 0),
    "numbers",
  );
  expect(schema.safeParse(Array.from({ length: 100_000 }, () => 1)).success).toBe(true);
  looked = 0;
  const refused = schema.safeParse(Array.from({ length: 100_001 }, () => 1));
  expect(refused.error?.issues.map(({ message }) => message)).toEqual([
    "expected a list of up to 100,000 numbers, not of 100,001",
  ]);
  expect(looked).toBe(0);
});
