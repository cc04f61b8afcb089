import { expect, it } from "vitest";
import { accountIndex, accountName, communityIndex, communityName } from "../../sandbox/reddit/names.ts";

// A name that leads back to its index in any case is nobody else's.

it("names 35,000 communities so that each is known by its name", () => {
  expect([...Array(35_000).keys()].filter((index) => !isCommunityKnown(index))).toEqual([]);
});

it("names 310,000 accounts so that each is known by its name", () => {
  const some = [...Array(310_000).keys()].filter((index) => index % 13 === 0);
  expect(some.filter((index) => !isAccountKnown(index))).toEqual([]);
});

it("knows no name that it did not give", () => {
  for (const name of ["nosuchplace", "woodworking007", "woodworking0", "", "woodworking-"]) {
    expect(communityIndex(name)).toBeNull();
  }
  for (const name of ["nobody", "ba", "bababa-dragon", "Quiet_Otter_999999999", ""]) {
    expect(accountIndex(7, name)).toBeNull();
  }
});

function isCommunityKnown(index: number): boolean {
  const name = communityName(index);
  return /^[A-Za-z0-9_]{3,21}$/.test(name) && communityIndex(name.toUpperCase()) === index;
}

function isAccountKnown(index: number): boolean {
  const name = accountName(7, index);
  return /^[A-Za-z0-9_-]{3,20}$/.test(name) && accountIndex(7, name.toUpperCase()) === index;
}
