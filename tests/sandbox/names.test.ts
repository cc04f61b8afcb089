import { expect, it } from "vitest";
import { accountIndex, accountName, communityIndex, communityName } from "../../sandbox/reddit/names.ts";

// A name that leads back to its index in any case is nobody else's.

it("names 35,000 communities so that each is known by its name", () => {
  for (let index = 0; index < 35_000; index++) {
    const name = communityName(index);
    const isGood = /^[A-Za-z0-9_]{3,21}$/.test(name) && communityIndex(name.toUpperCase()) === index;
    if (!isGood) expect.fail(`community ${index} is named ${name}`);
  }
});

it("names 310,000 accounts so that each is known by its name", () => {
  for (let index = 0; index < 310_000; index += 13) {
    const name = accountName(7, index);
    const isGood = /^[A-Za-z0-9_-]{3,20}$/.test(name) && accountIndex(7, name.toUpperCase()) === index;
    if (!isGood) expect.fail(`account ${index} is named ${name}`);
  }
});

it("knows no name that it did not give", () => {
  for (const name of ["nosuchplace", "woodworking007", "woodworking0", "", "woodworking-"]) {
    expect(communityIndex(name)).toBeNull();
  }
  for (const name of ["nobody", "ba", "bababa-dragon", "Quiet_Otter_999999999", ""]) {
    expect(accountIndex(7, name)).toBeNull();
  }
});
