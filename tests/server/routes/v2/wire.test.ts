import { expect, it } from "vitest";
import { choices, limit, names, waitForFinish } from "../../../../server/routes/v2/wire.ts";

it("holds an answer for a minute at the most, whatever the clients ask for", () => {
  expect(["0", "5", "60", "999999"].map((secs) => waitForFinish.parse(secs))).toEqual([0, 5, 60, 60]);
  expect(waitForFinish.parse(undefined)).toBe(0);
});

it("takes a limit of 0 for none, and one that is too large for the largest", () => {
  expect([undefined, "0", "7", "5000"].map((value) => limit().parse(value))).toEqual([1000, 1000, 7, 1000]);
  expect(limit().safeParse("-1").success).toBe(false);
});

it("splits what is joined by commas", () => {
  expect(names().parse("a,,b c,")).toEqual(["a", "b c"]);
  expect(choices(["x", "y"]).parse("x,y")).toEqual(["x", "y"]);
  expect(choices(["x", "y"]).safeParse("x,z").success).toBe(false);
});
