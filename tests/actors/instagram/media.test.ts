import { describe, expect, it } from "vitest";
import {
  hashtagsIn,
  idOfShortcode,
  mentionsIn,
  readLikes,
  type SeenMedia,
  toPost,
  withPins,
} from "../../../actors/instagram/media.ts";

describe("readLikes", () => {
  it.each([
    [120, false, { like_count: 120, likes_hidden: false, likes_hidden_reason: null }],
    [120, undefined, { like_count: 120, likes_hidden: false, likes_hidden_reason: null }],
    [0, false, { like_count: 0, likes_hidden: false, likes_hidden_reason: null }],
    [120, true, { like_count: null, likes_hidden: true, likes_hidden_reason: "disabled" }],
    [-1, undefined, { like_count: null, likes_hidden: true, likes_hidden_reason: "negative" }],
    [-1, false, { like_count: null, likes_hidden: true, likes_hidden_reason: "negative" }],
    [3, undefined, { like_count: null, likes_hidden: true, likes_hidden_reason: "placeholder" }],
    // Where the source says that it is not hidden, three people liked it.
    [3, false, { like_count: 3, likes_hidden: false, likes_hidden_reason: null }],
    [undefined, undefined, {}],
  ])("reads a count of %j with the flag %j", (count, flag, likes) => {
    expect(readLikes(count, flag)).toEqual(likes);
  });
});

describe("hashtagsIn", () => {
  it.each([
    ["#Sunset at #sunset", ["sunset"]],
    ["(#Café)#naïve_2 #写真 #여행 #नमस्ते #تصوير", ["café", "naïve_2", "写真", "여행", "नमस्ते", "تصوير"]],
    ["#2026goals, #100 and # alone", ["2026goals"]],
    ["#ocean🌊 is one, so is #🌊", ["ocean🌊", "🌊"]],
    ["a#b https://x.example/#top &#39;", []],
    ["#ทะเล #தமிழ் #שָׁלוֹם", ["ทะเล", "தமிழ்", "שָׁלוֹם".normalize("NFC")]],
    ["＃travel and #TRAVEL", ["travel"]],
    ["#ΟΔΟΣ #οδος #STRASSE #straße", ["οδος", "strasse", "straße"]],
    ["#love#Life#life", ["love", "life"]],
    ["❤️#love 1️⃣#first", ["love", "first"]],
    // Persian writes a joiner that parts, Sinhala and emoji one that joins.
    ["#می\u200cخواهم #ශ්\u200dරී #👩\u200d🎨", ["می\u200cخواهم", "ශ්\u200dරී", "👩\u200d🎨"]],
    ["#end\u200d, #ing\u200c!", ["end", "ing"]],
  ])("of %j are %j", (caption, tags) => expect(hashtagsIn(caption)).toEqual(tags));

  it.each(["café", "Ångström", "가족", "Việtnam"])("in two normal forms is one: %s", (word) => {
    const forms = ["NFC", "NFD"].map((form) => `#${word.normalize(form)}`);
    expect(hashtagsIn(forms.join(" "))).toEqual([word.toLowerCase().normalize("NFC")]);
    expect(hashtagsIn(`${word.normalize("NFD")}#b`)).toEqual([]);
  });

  it.each(["#️⃣", "#⃣", "#️⃣1️⃣", "#️⃣ one", "#️⃣one", "#1️⃣", "#1️⃣0️⃣", "#٣", "#", "##", "＃️⃣"])(
    "is not in a keycap or a number: %s",
    (caption) => expect(hashtagsIn(caption)).toEqual([]),
  );
});

it("reads a caption of nothing but marks at once", () => {
  const marks = `a${"\u0301".repeat(20_000)}`;
  const start = performance.now();
  expect([hashtagsIn(`${marks}#b`), mentionsIn(`${marks}@b`)]).toEqual([[], []]);
  expect(performance.now() - start).toBeLessThan(3_000);
});

describe("mentionsIn", () => {
  it.each([
    ["with @Nasa, @esa.int. and @_x_", ["nasa", "esa.int", "_x_"]],
    ["写真@nasa @nasa", ["nasa"]],
    ["hello@example.com and @ alone", []],
    ["josé@example.com", []],
    ["josé@example.com".normalize("NFD"), []],
    ["first.last+news@example.com", []],
    ["@nasa... (@esa) “@jaxa”, @isro’s", ["nasa", "esa", "jaxa", "isro"]],
    ["＠Nasa and @nasaのロケット", ["nasa"]],
    ["@josé is nobody", []],
    ["@josé is nobody".normalize("NFD"), []],
    ["@a..b @.c", ["a"]],
    ["https://x.example/@nasa", []],
    ["@@nasa", []],
    [`@${"a".repeat(30)} @${"b".repeat(31)}`, ["a".repeat(30)]],
  ])("of %j are %j", (caption, names) => expect(mentionsIn(caption)).toEqual(names));
});

it("spells a shortcode's id exactly, beyond 2^53", () => {
  expect(idOfShortcode("CPv3UqsBFvg")).toBe("2589531623544609760");
  expect(idOfShortcode("CAnqPB-Jzcj")).toBe("2317006284167526179");
  expect(idOfShortcode("?")).toBeNull();
});

const seen = (taken_at: string, fields: Partial<SeenMedia> = {}) =>
  ({ media_id: taken_at, shortcode: null, likes: {}, taken_at, ...fields }) as SeenMedia;
const pins = (page: SeenMedia[], isFirst = true) =>
  withPins(page, { isFirst }).map(({ is_pinned }) => is_pinned);

describe("withPins", () => {
  it("knows a pinned entry by its place where the source says nothing", () => {
    const page = [seen("2025-06-01"), seen("2026-01-05"), seen("2026-01-04"), seen("2026-01-03")];
    expect(pins(page)).toEqual([true, false, false, undefined]);
  });

  it("believes the source where it says something", () => {
    expect(pins([seen("2025-06-01", { is_pinned: false }), seen("2026-01-05")])).toEqual([false, false]);
  });

  it("sees no pins on later pages", () => {
    expect(pins([seen("2025-06-01"), seen("2026-01-05")], false)).toEqual([undefined, undefined]);
  });
});

describe("toPost", () => {
  const owner = { ig_user_id: "7", followers_count: 200, source: "api/user-feeds" };
  const engagement = (likes: object, followers_count: number | null = 200) => {
    const { engagement_count, engagement_rate } = toPost(seen("2026-01-01", { likes, comment_count: 2 }), {
      ...owner,
      followers_count,
    });
    return [engagement_count, engagement_rate];
  };

  it("gives engagement in percent of the followers, and none where a part is not known", () => {
    expect(engagement({ like_count: 8 })).toEqual([10, 5]);
    expect(engagement({ like_count: null })).toEqual([null, null]);
    expect(engagement({ like_count: 8 }, null)).toEqual([10, null]);
    expect(engagement({ like_count: 8 }, 0)).toEqual([10, null]);
  });

  it("is the list's creator's where the medium names no owner", () => {
    expect(toPost(seen("2026-01-01"), owner).ig_user_id).toBe("7");
    expect(toPost(seen("2026-01-01", { ig_user_id: "8" }), owner).ig_user_id).toBe("8");
  });
});
