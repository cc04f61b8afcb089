import { expect, it } from "vitest";
import { idOfShortcode, mediaId, mediaPlace, shortcodeOf } from "../../../sandbox/instagram/media-ids.ts";

// Pairs that Instagram itself has published.
it.each([
  ["2317006284167526179", "CAnqPB-Jzcj"],
  ["2589531623544609760", "CPv3UqsBFvg"],
  ["2224305748263047050", "B7eUksNFA-K"],
])("spells %s as %s", (id, shortcode) => {
  expect(shortcodeOf(id)).toBe(shortcode);
  expect(idOfShortcode(shortcode)).toBe(id);
});

it("forms ids beyond 2^53 that grow with time and lead back to their medium", () => {
  const id = mediaId(1_790_000_000, 8191, 1023);
  expect(BigInt(id)).toBeGreaterThan(2n ** 61n);
  expect(BigInt(mediaId(1_790_000_001, 0, 0))).toBeGreaterThan(BigInt(id));
  expect(mediaPlace(id)).toEqual({ creator: 8191, ordinal: 1023 });
});

it("has the time in an id as Instagram has it", () => {
  // Taken at 1622916710 by its own fields, and begun some minutes earlier.
  const [since, shift] = [BigInt(1_622_916_710_000 - 1_314_220_021_721), 23n];
  const recorded = 2_589_531_623_544_609_760n >> shift;
  expect(Number(recorded - since) / 1000).toBeGreaterThan(-600);
  expect(Number(recorded - since) / 1000).toBeLessThanOrEqual(0);
  expect(BigInt(mediaId(1_622_916_710, 0, 0)) >> shift).toBe(since);
});

it.each(["", "no", "12_3", "-5"])("knows no place for %j", (id) => {
  expect(mediaPlace(id)).toBeNull();
});
