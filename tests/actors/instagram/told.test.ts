import { describe, expect, it } from "vitest";
import { toPost, toReel } from "../../../actors/instagram/media.ts";
import { parseList } from "../../../actors/instagram/parse-list.ts";
import { parseProfile } from "../../../actors/instagram/parse-profile.ts";

// What the site leaves out is not told, and not in the item: the table keeps what it has. `null` is told: none.

type Body = Record<string, unknown>;

const owner = { ig_user_id: "1", followers_count: 1000, source: "test" };
/** As it is stored: without what was left out. */
const stored = (item: object): Body => JSON.parse(JSON.stringify(item)) as Body;
const without = (body: Body, ...names: string[]) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));

const WEB = {
  id: "3",
  username: "nasa",
  full_name: "NASA",
  biography: "Up",
  external_url: "https://nasa.gov",
  bio_links: [{ title: "", url: "https://nasa.gov", link_type: "external" }],
  profile_pic_url: "small",
  profile_pic_url_hd: "big",
  is_private: false,
  is_verified: true,
  is_business_account: false,
  is_professional_account: true,
  is_joined_recently: false,
  category_name: "Science",
  has_clips: true,
  highlight_reel_count: 4,
  edge_followed_by: { count: 5 },
  edge_follow: { count: 6 },
  edge_owner_to_timeline_media: { count: 7 },
};
const FLAT = {
  pk: "3",
  username: "nasa",
  hd_profile_pic_url_info: { url: "big" },
  is_business: true,
  category: "Science",
  total_clips_count: 3,
  follower_count: 5,
  following_count: 6,
  media_count: 7,
};

describe("a profile", () => {
  it.each([
    ...Object.keys(WEB)
      .filter((name) => !/^edge|^(id|username)$/.test(name))
      .map((name) => [WEB, name, name] as const),
    [WEB, "external_url", "external_url_type"],
    [WEB, "bio_links", "external_url_type"],
    [WEB, "edge_followed_by", "followers_count"],
    [WEB, "edge_follow", "following_count"],
    [WEB, "edge_owner_to_timeline_media", "media_count"],
    [FLAT, "hd_profile_pic_url_info", "profile_pic_url_hd"],
    [FLAT, "is_business", "is_business_account"],
    [FLAT, "category", "category_name"],
    [FLAT, "total_clips_count", "has_clips"],
    [FLAT, "follower_count", "followers_count"],
    [FLAT, "following_count", "following_count"],
    [FLAT, "media_count", "media_count"],
  ] as const)("%#: of %s.%s tells %s", (body, name, field) => {
    expect(stored(parseProfile(body))[field]).not.toBeNull();
    expect(stored(parseProfile(without(body, name)))).not.toHaveProperty(field);
    expect(stored(parseProfile({ ...body, [name]: null }))).toHaveProperty(field, null);
  });

  it.each([
    [{ category_name: null, category: "Science" }, { category_name: "Science" }],
    [{ category_name: null, category: null }, { category_name: null }],
    [{ profile_pic_url_hd: null, hd_profile_pic_url_info: { url: "big" } }, { profile_pic_url_hd: "big" }],
    [{ profile_pic_url_hd: null, hd_profile_pic_url_info: null }, { profile_pic_url_hd: null }],
    [{ edge_followed_by: null, follower_count: 5 }, { followers_count: 5 }],
    [{ edge_followed_by: { count: null } }, { followers_count: null }],
    [{ edge_followed_by: { count: 0 }, follower_count: 5 }, { followers_count: 0 }],
    [{ has_clips: null, total_clips_count: 0 }, { has_clips: false }],
    [
      { is_business_account: null, account_type: 2 },
      { is_business_account: true, is_professional_account: true },
    ],
    [
      { is_professional_account: null, account_type: 1 },
      { is_business_account: false, is_professional_account: false },
    ],
  ])("%#: that is none by one name may have a value by another", (names, told) => {
    expect(stored(parseProfile({ id: "3", username: "nasa", ...names }))).toMatchObject(told);
  });

  it("of a kind that nobody knows is neither business nor professional", () => {
    const profile = stored(parseProfile({ id: "3", username: "nasa", account_type: 0 }));
    expect(profile).not.toHaveProperty("is_business_account");
    expect(profile).not.toHaveProperty("is_professional_account");
  });

  it("behind a gate has no zeros and no empty texts", () => {
    const gating = { title: "Are You 20 or Over?", description: null };
    const empty = {
      full_name: "",
      biography: "",
      external_url: "",
      highlight_reel_count: 0,
      total_clips_count: 0,
    };
    const profile = stored(parseProfile({ ...FLAT, ...empty, follower_count: 0, media_count: 0, gating }));
    expect(profile).toEqual({
      ig_user_id: "3",
      username: "nasa",
      profile_pic_url_hd: "big",
      is_business_account: true,
      category_name: "Science",
      availability: "gated",
      availability_reason: "Are You 20 or Over?",
    });
    expect(parseProfile({ ...FLAT, gating: "soft" }).availability).toBe("gated");
    expect(parseProfile({ ...FLAT, gating: null }).availability).toBe("ok");
  });
});

const PRIVATE = {
  id: "30_3",
  code: "C30",
  taken_at: 1_757_000_000,
  media_type: 2,
  product_type: "clips",
  caption: { text: "Up #we @go" },
  like_count: 10,
  comment_count: 2,
  like_and_view_counts_disabled: false,
  comments_disabled: true,
  is_paid_partnership: true,
  play_count: 100,
  ig_play_count: 90,
  view_count: 30,
  video_duration: 20.5,
  has_audio: true,
  reshare_count: 4,
  media_repost_count: 5,
  original_width: 720,
  original_height: 1280,
  accessibility_caption: "A rocket",
  image_versions2: { candidates: [{ url: "cover", width: 720, height: 1280 }] },
  video_versions: [{ url: "video", width: 720, height: 1280 }],
  location: { pk: 9, name: "Moon" },
  coauthor_producers: [{ pk: "6", username: "amy" }],
  usertags: { in: [{ user: { pk: "5", username: "bob" } }] },
  sponsor_tags: [{ sponsor: { pk: "7", username: "eve" } }],
  clips_metadata: { original_sound_info: { original_audio_title: "Roar" } },
};

const GRAPHQL = {
  __typename: "GraphVideo",
  id: "30",
  shortcode: "C30",
  taken_at_timestamp: 1_757_000_000,
  product_type: "clips",
  edge_media_to_caption: { edges: [{ node: { text: "Up #we @go" } }] },
  edge_media_preview_like: { count: 10 },
  edge_media_to_comment: { count: 2 },
  comments_disabled: true,
  is_paid_partnership: true,
  is_video: true,
  video_play_count: 100,
  video_view_count: 30,
  video_duration: 20.5,
  has_audio: true,
  video_url: "video",
  display_url: "cover",
  accessibility_caption: "A rocket",
  dimensions: { width: 720, height: 1280 },
  location: { id: 9, name: "Moon" },
  coauthor_producers: [{ id: "6", username: "amy" }],
  edge_media_to_tagged_user: { edges: [{ node: { user: { id: "5", username: "bob" } } }] },
  edge_media_to_sponsor_user: { edges: [{ node: { sponsor: { id: "7", username: "eve" } } }] },
  clips_music_attribution_info: { audio_id: "8", song_name: "Roar" },
};

/** Every field of both kinds of items. */
const readMedium = (body: Body): Body => {
  const [seen] = parseList({ items: [body] }, { list: "reels", isFirst: true }).media;
  return stored({ ...toPost(seen!, owner), ...toReel(seen!, owner) });
};
const skippedOf = (body: Body) =>
  parseList({ items: [body] }, { list: "reels", isFirst: true }).skipped.map(({ id }) => id);

/** Where there is none the item says so; that nobody is in a list is an empty one. */
const FIELDS = [
  [PRIVATE, "code", "shortcode"],
  [PRIVATE, "product_type", "product_type"],
  [PRIVATE, "media_type", "media_type"],
  [PRIVATE, "media_type", "post_type"],
  [PRIVATE, "caption", "caption_text"],
  [PRIVATE, "like_count", "like_count"],
  [PRIVATE, "comment_count", "comment_count"],
  [PRIVATE, "comments_disabled", "comments_disabled"],
  [PRIVATE, "is_paid_partnership", "is_paid_partnership"],
  [PRIVATE, "play_count", "play_count"],
  [PRIVATE, "ig_play_count", "ig_play_count"],
  [PRIVATE, "view_count", "view_count"],
  [PRIVATE, "view_count", "video_view_count"],
  [PRIVATE, "video_duration", "video_duration"],
  [PRIVATE, "has_audio", "has_audio"],
  [PRIVATE, "reshare_count", "reshare_count"],
  [PRIVATE, "media_repost_count", "media_repost_count"],
  [PRIVATE, "original_width", "original_width"],
  [PRIVATE, "original_height", "original_height"],
  [PRIVATE, "accessibility_caption", "accessibility_caption"],
  [PRIVATE, "image_versions2", "thumbnail_url"],
  [PRIVATE, "video_versions", "video_url"],
  [PRIVATE, "location", "location"],
  [PRIVATE, "coauthor_producers", "coauthors"],
  [PRIVATE, "usertags", "tagged_users"],
  [PRIVATE, "sponsor_tags", "sponsor_tags"],
  [PRIVATE, "clips_metadata", "audio"],
  [GRAPHQL, "shortcode", "shortcode"],
  [GRAPHQL, "product_type", "product_type"],
  [GRAPHQL, "edge_media_to_caption", "caption_text"],
  [GRAPHQL, "edge_media_preview_like", "like_count"],
  [GRAPHQL, "edge_media_to_comment", "comment_count"],
  [GRAPHQL, "comments_disabled", "comments_disabled"],
  [GRAPHQL, "video_play_count", "play_count"],
  [GRAPHQL, "video_view_count", "view_count"],
  [GRAPHQL, "video_duration", "video_duration"],
  [GRAPHQL, "has_audio", "has_audio"],
  [GRAPHQL, "video_url", "video_url"],
  [GRAPHQL, "display_url", "thumbnail_url"],
  [GRAPHQL, "accessibility_caption", "accessibility_caption"],
  [GRAPHQL, "dimensions", "original_width"],
  [GRAPHQL, "dimensions", "original_height"],
  [GRAPHQL, "location", "location"],
  [GRAPHQL, "coauthor_producers", "coauthors"],
  [GRAPHQL, "edge_media_to_tagged_user", "tagged_users"],
  [GRAPHQL, "edge_media_to_sponsor_user", "sponsor_tags"],
  [GRAPHQL, "clips_music_attribution_info", "audio"],
] as const satisfies readonly (readonly [Body, string, string])[];
const PEOPLE = new Set<string>(["coauthors", "tagged_users", "sponsor_tags"]);

describe("a medium", () => {
  it.each(FIELDS)("%#: whose %s.%s is none tells so in %s", (body, name, field) => {
    expect(readMedium(body)[field]).toBeTruthy();
    const none = PEOPLE.has(field) ? [] : null;
    expect(readMedium({ ...body, [name]: null })).toHaveProperty(field, none);
    const stub = without(body, "taken_at", name);
    expect(readMedium({ ...stub, [name]: null })).toHaveProperty(field, none);
    expect(readMedium(stub)).not.toHaveProperty(field);
  });

  it("that is whole leaves out what there is none of, and nothing else", () => {
    const names =
      "caption comments_disabled is_paid_partnership location coauthor_producers usertags sponsor_tags";
    const whole = readMedium(without(PRIVATE, ...names.split(" "), "clips_metadata", "view_count", "code"));
    expect(whole).toMatchObject({
      caption_text: null,
      comments_disabled: false,
      is_paid_partnership: false,
      location: null,
      coauthors: [],
      tagged_users: [],
      sponsor_tags: [],
      audio: null,
    });
    expect(whole).not.toHaveProperty("view_count");
    expect(whole).not.toHaveProperty("shortcode");
  });

  it.each([
    [{ view_count: null, video_view_count: 30 }, { view_count: 30 }],
    [{ view_count: null, video_view_count: null }, { view_count: null }],
    [{ view_count: -1 }, { view_count: null }],
    [{ carousel_media_count: null, media_type: 8, carousel_media: null }, { carousel_media_count: null }],
  ])("%#: that is none by one name may have a value by another", (names, told) => {
    expect(readMedium({ ...PRIVATE, ...names })).toMatchObject(told);
  });

  it("of the older GraphQL has its counts by two names", () => {
    const { edge_media_preview_like: _, ...rest } = GRAPHQL;
    expect(readMedium({ ...rest, edge_liked_by: { count: 9 } })["like_count"]).toBe(9);
    const named = { edge_media_preview_like: null, edge_liked_by: { count: 9 } };
    expect(readMedium({ ...rest, ...named })["like_count"]).toBe(9);
    const parent = { edge_media_to_comment: null, edge_media_to_parent_comment: { count: 8 } };
    expect(readMedium({ ...GRAPHQL, ...parent })["comment_count"]).toBe(8);
    expect(readMedium({ ...GRAPHQL, is_paid_partnership: null })["is_paid_partnership"]).toBe(true);
  });

  it("is not pinned by another list's pins where its own list tells of none", () => {
    const pins = { clips_tab_pinned_user_ids: null, timeline_pinned_user_ids: [3] };
    expect(readMedium({ ...PRIVATE, ...pins })["is_pinned"]).toBe(false);
  });
});

describe("a count of 0", () => {
  const zeros = { play_count: 0, ig_play_count: 0, view_count: 0 };

  it.each([
    ["likes", { like_count: 10, comment_count: 0 }],
    ["comments", { like_count: 0, comment_count: 1 }],
    ["hidden likes", { like_and_view_counts_disabled: true, like_count: 0, comment_count: 0 }],
  ])("of plays or views beside %s is not known", (_, shown) => {
    const item = readMedium({
      ...without(PRIVATE, "reshare_count", "media_repost_count"),
      ...zeros,
      ...shown,
    });
    for (const name of ["play_count", "ig_play_count", "view_count", "video_view_count"])
      expect(item).not.toHaveProperty(name);
  });

  it("of views is not known of the older GraphQL's liked videos", () => {
    const item = readMedium({ ...GRAPHQL, video_view_count: 0, video_play_count: 0 });
    expect(item).not.toHaveProperty("view_count");
    expect(item).not.toHaveProperty("play_count");
  });

  it("is one where nobody liked or commented", () => {
    const unseen = { like_count: 0, comment_count: 0, reshare_count: 0, media_repost_count: 0 };
    expect(readMedium({ ...PRIVATE, ...zeros, ...unseen })).toMatchObject({ ...zeros, video_view_count: 0 });
    const unliked = { edge_media_preview_like: { count: 0 }, edge_media_to_comment: { count: 0 } };
    expect(readMedium({ ...GRAPHQL, ...unliked, video_view_count: 0 })["view_count"]).toBe(0);
  });

  it("is no width, no height, no duration and no date", () => {
    const item = readMedium({
      ...PRIVATE,
      video_duration: 0,
      original_width: 0,
      original_height: 0,
      video_versions: [{ url: "video", width: 0, height: 0 }],
    });
    expect(item["media"]).toMatchObject([{ width: null, height: null, duration_secs: null }]);
    for (const name of ["video_duration", "original_width", "original_height"])
      expect(item).not.toHaveProperty(name);
    expect(readMedium({ ...PRIVATE, taken_at: 0 })).not.toHaveProperty("taken_at");
    const frame = readMedium({ ...GRAPHQL, video_duration: 0, dimensions: { width: 0, height: 0 } });
    expect(frame).not.toHaveProperty("original_width");
    expect(frame["media"]).toMatchObject([{ width: null, duration_secs: null }]);
  });
});

describe("an entry that cannot be read", () => {
  const amy = { pk: "6", username: "amy" };
  const bob = { pk: "5", username: "bob" };
  const strangers = [null, {}, { username: "nobody" }, "bob", 7, []];
  const child = (url: string) => ({ media_type: 1, image_versions2: { candidates: [{ url }] } });
  const node = (value: unknown) => ({ node: value });

  it.each([
    ["coauthor_producers", [...strangers, amy], "coauthors", [{ ig_user_id: "6", username: "amy" }]],
    [
      "usertags",
      { in: [null, { user: null }, ...strangers.map((user) => ({ user })), { user: bob }] },
      "tagged_users",
      [{ ig_user_id: "5", username: "bob" }],
    ],
    ["sponsor_tags", [null, { sponsor: null }, { sponsor: amy }, bob], "sponsor_tags", [{}, {}]],
    ["image_versions2", { candidates: [null, { width: 9 }, { url: "cover" }] }, "thumbnail_url", "cover"],
    ["video_versions", [null, {}, { url: "video" }], "video_url", "video"],
    ["carousel_media", [null, "x", child("a"), {}, child("b")], "media", [{ url: "a" }, { url: "b" }]],
  ])("of %s does not hide its neighbours, and is told", (name, value, field, read) => {
    const body = { ...PRIVATE, [name]: value };
    expect({ value: readMedium(body)[field] }).toMatchObject({ value: read });
    expect(skippedOf(body).length).toBeGreaterThan(0);
    expect(new Set(skippedOf(body).map((id) => id.split("/")[0]))).toEqual(new Set(["#0"]));
  });

  it.each([
    ["coauthor_producers", [...strangers, { id: "6", username: "amy" }], "coauthors"],
    [
      "edge_media_to_tagged_user",
      { edges: [null, node(null), node({ user: null }), node({ user: { id: "5" } })] },
      "tagged_users",
    ],
    [
      "edge_media_to_sponsor_user",
      { edges: [null, node({}), node({ sponsor: { id: "7" } })] },
      "sponsor_tags",
    ],
    [
      "edge_sidecar_to_children",
      { edges: [null, node(null), node({ display_url: "a", is_video: false })] },
      "media",
    ],
  ])("of GraphQL's %s does not hide its neighbours, and is told", (name, value, field) => {
    const body = { ...GRAPHQL, [name]: value };
    expect(readMedium(body)[field]).toHaveLength(1);
    expect(skippedOf(body)).toEqual([`#0/${name}`]);
  });

  it.each([
    ["carousel_media", "media", ["?", 7, {}, [null]]],
    ["coauthor_producers", "coauthors", ["?", {}, [null]]],
    ["usertags", "tagged_users", ["?", { in: {} }, { in: [null] }]],
    ["sponsor_tags", "sponsor_tags", ["?", {}, [null]]],
    ["image_versions2", "thumbnail_url", ["?", { candidates: "?" }, { candidates: [null] }]],
    ["video_versions", "video_url", ["?", {}, [null]]],
    ["location", "location", ["?", [null]]],
    ["clips_metadata", "audio", ["?", [null]]],
    ["caption", "caption_text", [7, [null]]],
  ])("alone, or no list where one is due, says nothing of %s and is told", (name, field, values) => {
    for (const value of values) {
      const body = { ...PRIVATE, [name]: value };
      expect([value, readMedium(body)]).not.toHaveProperty(`1.${field}`);
      expect(skippedOf(body)).toHaveLength(1);
    }
  });

  it("counts among the children of a carousel", () => {
    const children = [null, child("a"), child("b")];
    const carousel = { ...PRIVATE, media_type: 8, carousel_media: children };
    expect(readMedium(carousel)["carousel_media_count"]).toBe(3);
    const sidecar = { edges: [null, node({ display_url: "a" })] };
    const graphql = { ...GRAPHQL, __typename: "GraphSidecar", edge_sidecar_to_children: sidecar };
    expect(readMedium(graphql)["carousel_media_count"]).toBe(2);
  });

  it("of a list of media does not hide its neighbours", () => {
    const connection = { edges: [null, {}, node(null), "x", node(PRIVATE)] };
    const body = { data: { xdt_api__v1__clips__user__connection_v2: connection } };
    const { media, skipped } = parseList(body, { list: "reels", isFirst: true });
    expect([media.length, skipped.map(({ id }) => id)]).toEqual([1, ["#0", "#1", "#2", "#3"]]);
  });

  it("of a profile's links does not hide its neighbours", () => {
    const links = [null, "x", { title: "none" }, { url: "https://nasa.gov" }];
    expect(parseProfile({ ...WEB, bio_links: links }).bio_links).toHaveLength(1);
    const unread = stored(parseProfile({ ...WEB, bio_links: "?" }));
    expect(unread).not.toHaveProperty("bio_links");
    expect(unread).not.toHaveProperty("external_url_type");
  });
});
