import { describe, expect, it } from "vitest";
import { findVerification } from "../../../actors/reddit/verification.ts";

describe("findVerification", () => {
  it.each([
    ["Verification is required before your first post."],
    ["All posters must verify with the moderators"],
    ["Only verified members may post pictures."],
    ["Please get verified first!"],
    ["Posts without verification are not allowed."],
    ["You must be verified, no exceptions."],
    ["Verification required"],
    ["Sellers need to verify."],
  ])("asks: %s", (sentence) => {
    expect(findVerification([sentence])).toBe(sentence.replace(/[.!]$/, ""));
  });

  it.each([
    ["No verification needed."],
    ["You do not need to be verified to post here."],
    ["You don't have to verify."],
    ["Verification is not required."],
    ["Verification isn’t required before posting."],
    ["Verification is optional, but please be kind."],
    ["There is no need to get verified first."],
    ["Posters are not required to be verified."],
    ["Verified users get a flair."],
    ["Only verified sources, please."],
    ["You must verify your facts."],
    ["Unverified claims must be marked."],
    ["Be kind. Posts must be verifiable."],
    [""],
  ])("does not ask: %s", (text) => {
    expect(findVerification([text])).toBeNull();
  });

  it("keeps the one sentence out of Markdown", () => {
    const text =
      "Welcome!\n\n* Be kind\n* **Verification is required** before you post.\n* No spam. Thank you.";
    expect(findVerification([null, undefined, text])).toBe("Verification is required before you post");
  });

  it.each([
    ["Ｖｅｒｉｆｉｃａｔｉｏｎ is required"],
    ["𝐕𝐞𝐫𝐢𝐟𝐢𝐜𝐚𝐭𝐢𝐨𝐧 is 𝓻𝓮𝓺𝓾𝓲𝓻𝓮𝓭"],
    ["Veri\u00adfication is re\u200bquired"],
    ["Veriﬁcation is required"],
  ])("asks in letters of another kind: %s", (sentence) => {
    expect(findVerification([sentence])).toBe(sentence);
  });

  it("one text that asks outweighs another that does not", () => {
    expect(findVerification(["No verification needed.", "All must verify."])).toBe("All must verify");
  });
});
