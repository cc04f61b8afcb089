import { describe, expect, it } from "vitest";
import { parseList } from "../../../actors/instagram/parse-list.ts";
import { parseRelated } from "../../../actors/instagram/parse-related.ts";
import { apiSource } from "../../../actors/instagram/source-api.ts";
import { browserSource, isEnough } from "../../../actors/instagram/source-browser.ts";
import { webSource } from "../../../actors/instagram/source-web.ts";
import { toPost, toReel } from "../../../actors/instagram/media.ts";
import { parseJsonExact } from "../../../shared/crawl/json.ts";
import { describeRecorded, recorded } from "./recordings.ts";

const FIRST = { list: "reels", isFirst: true } as const;
const POSTS = { list: "posts", isFirst: true } as const;
const owner = { ig_user_id: "1", followers_count: 1000, source: "test" };
const mediaOf = (body: unknown) => parseList(body, FIRST).media;

/** As the data API sends it: the number of the id is rounded. */
const REEL = `{
  "pk": 3722942542216596500, "id": "3722942542216596724_72741069431", "code": "DOqfvK0EU70",
  "taken_at": 1757000000, "media_type": 2, "product_type": "clips",
  "user": {"pk": 9107199254740993000, "username": "nasa"},
  "caption": {"text": "Up we go #Artemis @esa"},
  "like_count": 3, "comment_count": 2, "like_and_view_counts_disabled": false,
  "play_count": 10125, "ig_play_count": 9000, "view_count": 2944, "video_duration": 20.5, "has_audio": true,
  "image_versions2": {"candidates": [{"url": "small", "width": 1, "height": 2}, {"url": "big", "width": 10, "height": 20}]},
  "video_versions": [{"url": "video", "width": 720, "height": 1280, "type": 101}],
  "clips_tab_pinned_user_ids": [72741069431],
  "clips_metadata": {"music_info": null, "original_sound_info":
    {"audio_asset_id": 1234567890123456789, "original_audio_title": "Original audio", "ig_artist": {"username": "nasa"}}}
}`;

describe("reels of the data API", () => {
  const page = parseJsonExact(
    `{"items": [{"media": ${REEL}}], "paging_info": {"max_id": "QVFD", "more_available": true}, "status": "ok"}`,
  );

  it("have their exact id, both play counts and the pin", () => {
    const [seen] = mediaOf(page);
    expect(JSON.parse(JSON.stringify(toReel(seen!, owner)))).toEqual({
      media_id: "3722942542216596724",
      shortcode: "DOqfvK0EU70",
      ig_user_id: "72741069431",
      product_type: "clips",
      media_type: 2,
      taken_at: "2025-09-04T15:33:20.000Z",
      caption_text: "Up we go #Artemis @esa",
      hashtags: ["artemis"],
      mentions: ["esa"],
      like_count: 3,
      likes_hidden: false,
      likes_hidden_reason: null,
      comment_count: 2,
      engagement_count: 5,
      engagement_rate: 0.5,
      thumbnail_url: "big",
      is_paid_partnership: false,
      is_pinned: true,
      video_duration: 20.5,
      media: [
        {
          type: "video",
          url: "video",
          width: 720,
          height: 1280,
          duration_secs: 20.5,
          accessibility_caption: null,
        },
      ],
      coauthors: [],
      tagged_users: [],
      sponsor_tags: [],
      location: null,
      audio: { id: "1234567890123456789", title: "Original audio", artist: "nasa", is_original: true },
      play_count: 10125,
      ig_play_count: 9000,
      video_view_count: 2944,
      has_audio: true,
      video_url: "video",
      source: "test",
    });
  });

  it("are found in the wrapper that some answers have", () => {
    const wrapped = { status: 200, body: page };
    for (const body of [wrapped, { status: 200, body: wrapped }, { status: true, data: page }])
      expect(apiSource.parseList(body, FIRST).cursor).toBe("QVFD");
  });

  it("go on by paging_info, a feed by next_max_id, GraphQL by end_cursor", () => {
    const media = parseJsonExact(REEL);
    const cursor = (body: object) => parseList(body, FIRST).cursor;
    expect(cursor(page as object)).toBe("QVFD");
    const feed = { items: [media], more_available: true, next_max_id: "37_72" };
    expect(cursor(feed)).toBe("37_72");
    expect(cursor({ ...feed, more_available: false })).toBeNull();
    expect(cursor({ ...feed, next_max_id: 12 })).toBe("12");
    const connection = { edges: [{ node: media }], page_info: { end_cursor: "QVFE", has_next_page: true } };
    const inUser = { data: { user: { edge_owner_to_timeline_media: connection } } };
    expect(cursor(inUser)).toBe("QVFE");
    expect(cursor({ data: { xdt_api__v1__clips__user__connection_v2: connection } })).toBe("QVFE");
    const last = { ...connection, page_info: { end_cursor: "QVFE", has_next_page: false } };
    expect(cursor({ data: { user: { edge_owner_to_timeline_media: last } } })).toBeNull();
  });

  it("are pinned by the pins of their own list", () => {
    const pins = { clips_tab_pinned_user_ids: [3], timeline_pinned_user_ids: [] };
    const items = [{ id: "12_3", taken_at: 1, ...pins }];
    const pinned = (list: "posts" | "reels") =>
      parseList({ items }, { list, isFirst: true }).media.map(({ is_pinned }) => is_pinned);
    expect([pinned("posts"), pinned("reels")]).toEqual([[false], [true]]);
  });

  it("that nobody can read do not lose their neighbours", () => {
    const { media, skipped } = parseList(
      { items: [parseJsonExact(REEL), { media: { like_count: 1 } }] },
      FIRST,
    );
    expect(media).toHaveLength(1);
    expect(skipped).toMatchObject([{ id: "#1", reason: expect.stringContaining("id: expected") as string }]);
  });

  it("have all twenty children of a carousel, with their sizes", () => {
    const child = (i: number) => ({
      media_type: (i % 2) + 1,
      original_width: 10,
      original_height: 20,
      image_versions2: { candidates: [{ url: `p${i}`, width: 1080, height: 1350 }] },
      ...(i % 2 === 1 && {
        video_versions: [{ url: `v${i}`, width: 720, height: 900 }],
        video_duration: 3.5,
      }),
    });
    const carousel_media = Array.from({ length: 20 }, (_, i) => child(i));
    const [seen] = mediaOf({ items: [{ id: "1_7", taken_at: 1, media_type: 8, carousel_media }] });
    expect(toPost(seen!, owner)).toMatchObject({ carousel_media_count: 20, post_type: "carousel" });
    expect(seen!.media).toHaveLength(20);
    expect(seen!.media![19]).toMatchObject({ type: "video", url: "v19", width: 720, duration_secs: 3.5 });
  });

  it("are no list where there is none", () => {
    expect(() => parseList({ status: "ok" }, FIRST)).toThrow("items");
    expect(() => parseList({ items: [{}] }, FIRST)).toThrow("none of 1 children");
  });

  it("of a stub lack what it leaves out", () => {
    const [seen] = mediaOf({ items: [{ id: "12_3", code: "A", like_count: 5 }] });
    const item = JSON.parse(JSON.stringify(toReel(seen!, owner)));
    expect(item).not.toHaveProperty("coauthors");
    expect(item).not.toHaveProperty("caption_text");
    expect(item).not.toHaveProperty("media");
    expect(item).toMatchObject({ media_id: "12", like_count: 5, engagement_count: null });
  });
});

describe("profiles", () => {
  const account = {
    id: "3",
    username: "nasa",
    is_private: false,
    edge_followed_by: { count: 0 },
    edge_owner_to_timeline_media: { count: 0, edges: [] },
    biography: "",
  };

  it("of a gate have no counts: its zeros are none", () => {
    const gating = { title: "Are You 20 or Over?", description: "You must be 20 years old or over" };
    const profile = apiSource.parseProfile({ ...account, gating, status: true }, {});
    expect(profile).toMatchObject({
      availability: "gated",
      availability_reason: "You must be 20 years old or over",
    });
    expect(profile.followers_count).toBeUndefined();
    expect(profile.biography).toBeUndefined();
  });

  it("have zeros where there is no gate", () => {
    const profile = apiSource.parseProfile({ ...account, status: true }, {});
    expect(profile).toMatchObject({ availability: "ok", followers_count: 0, media_count: 0, biography: "" });
  });

  it("are found in whatever is around them", () => {
    const around = [{ data: account }, { data: { user: account } }, { status: 200, body: account }];
    for (const body of around) expect(apiSource.parseProfile(body, {}).username).toBe("nasa");
  });

  it("without an id are none", () => {
    expect(() => apiSource.parseProfile({ status: true, username: "nasa" }, {})).toThrow(
      "id: expected an id",
    );
  });
});

describe("related profiles", () => {
  const node = (id: string) => ({ node: { id, username: `u${id}`, full_name: "", is_private: false } });

  it("keep their order as rank", () => {
    const edges = Array.from({ length: 80 }, (_, i) => node(String(900 + i)));
    const { related } = parseRelated({ data: { user: { edge_related_profiles: { edges } } }, status: "ok" });
    expect(related).toHaveLength(80);
    expect(related[79]).toEqual({
      target_ig_user_id: "979",
      target_username: "u979",
      target_full_name: "",
      target_is_private: false,
      target_is_verified: null,
      target_profile_pic_url: null,
      rank: 80,
    });
  });

  it("may have their id under another name, but not none", () => {
    const edges = parseJsonExact(
      `[{"node": {"pk": 9107199254740993001, "username": "a"}}, {"node": {"username": "b"}}, {"node": null}]`,
    );
    const { related, skipped } = parseRelated({ data: { user: { edge_related_profiles: { edges } } } });
    expect(related).toMatchObject([{ target_ig_user_id: "9107199254740993001", rank: 1 }]);
    expect(skipped.map(({ id }) => id)).toEqual(["#1", "#2"]);
  });

  it("may be none, but not missing", () => {
    expect(parseRelated({ data: { user: { edge_related_profiles: { edges: [] } } } }).related).toEqual([]);
    expect(() => parseRelated({ data: { user: {} } })).toThrow("not related profiles");
  });
});

describe("the visit of a page", () => {
  const connection = (...ids: string[]) => ({
    edges: ids.map((id) => ({ node: { id: `${id}_3`, taken_at: 1 } })),
  });
  const flat = { pk: "3", username: "Nasa", follower_count: 5, biography: "flat" };
  const documents = [
    { require: [{ deep: { data: { xig_user_by_username: flat } } }] },
    { data: { user: { username: "nasa", id: "3", edge_followed_by: { count: 6 } } } },
    { data: { xdt_api__v1__feed__user_timeline_graphql_connection: connection("1", "2") } },
    { data: { xdt_api__v1__feed__user_timeline_graphql_connection: connection("2", "3") } },
  ];

  it("has the account in its fuller form", () => {
    const profile = browserSource.parseProfile({ documents, is_whole: true }, { username: "nasa" });
    expect(profile).toMatchObject({ ig_user_id: "3", followers_count: 6 });
    const flatOnly = browserSource.parseProfile(
      { documents: documents.slice(0, 1), is_whole: true },
      { username: "nasa" },
    );
    expect(flatOnly).toMatchObject({ ig_user_id: "3", followers_count: 5, biography: "flat" });
    expect(() => browserSource.parseProfile({ documents, is_whole: true }, { username: "esa" })).toThrow(
      "no account esa",
    );
  });

  it("is long enough when it has shown as many different entries, or the last", () => {
    const enough = (limit: number, pages: unknown[] = documents) =>
      isEnough(`https://www.instagram.com/nasa/#posts=${limit}`, pages);
    expect([enough(3), enough(4)]).toEqual([true, false]);
    const last = {
      xdt_api__v1__feed__user_timeline_graphql_connection: { edges: [], page_info: { has_next_page: false } },
    };
    expect(enough(4, [...documents, { data: last }])).toBe(true);
    expect(isEnough("https://www.instagram.com/nasa/reels/#reels=1", documents)).toBe(false);
    expect(isEnough("https://www.instagram.com/nasa/#profile", [])).toBe(true);
  });

  it("joins the pages of a list, each medium once", () => {
    const { media, cursor } = browserSource.parseList({ documents, is_whole: true }, POSTS);
    expect(media.map(({ media_id }) => media_id)).toEqual(["1", "2", "3"]);
    const dated = (...times: number[]) => ({
      edge_owner_to_timeline_media: {
        edges: times.map((taken_at) => ({ node: { id: `${taken_at}_3`, taken_at } })),
      },
    });
    // The page's own document begins with the list's first page.
    const twice = [dated(9, 8, 7), dated(9, 8, 7)];
    const pins = browserSource
      .parseList({ documents: twice, is_whole: true }, POSTS)
      .media.map(({ is_pinned }) => is_pinned);
    expect(pins).toEqual([false, false, false]);
    expect(cursor).toBeNull();
    expect(() => browserSource.parseList({ documents, is_whole: false }, POSTS)).toThrow(
      "stopped in the middle",
    );
    expect(() => browserSource.parseList({ documents, is_whole: true }, FIRST)).toThrow(
      "the page has none of",
    );
  });
});

describeRecorded("answers", () => {
  it("of web_profile_info give the profile", () => {
    const { response } = recorded("web_profile_info/pgrimaud_profile.json");
    expect(webSource.parseProfile(response.body, {})).toMatchObject({
      ig_user_id: "1518284433",
      username: "robertdowneyjr",
      followers_count: 52979346,
      following_count: 5,
      media_count: 419,
      category_name: "Artist",
      highlight_reel_count: 18,
      is_business_account: true,
      is_professional_account: true,
      is_verified: true,
      external_url: null,
      availability: "ok",
    });
  });

  it("of users/info give the same fields from their flat form", () => {
    const { response } = recorded("private_api/pgrimaud_profile-alternative.json");
    expect(apiSource.parseProfile(response.body, {})).toMatchObject({
      ig_user_id: "1518284433",
      followers_count: 50857062,
      media_count: 400,
      external_url: "http://www.swau.com/RDJ",
      is_business_account: true,
      is_professional_account: true,
      has_clips: true,
      profile_pic_url_hd: expect.stringContaining("143237481") as string,
    });
  });

  it("of a private profile are a fact", () => {
    const { response } = recorded("errors_quoted/200_private_profile_shape.json");
    expect(webSource.parseProfile(response.body, {})).toMatchObject({
      availability: "private",
      availability_reason: "private",
      followers_count: 10,
      media_count: 7,
    });
  });

  it("of a gated profile have no zeros", () => {
    const { response } = recorded("errors_quoted/200_gated_user_info.json");
    const profile = apiSource.parseProfile(response.body, {});
    expect(profile.availability).toBe("gated");
    expect(profile.followers_count).toBeUndefined();
  });

  it("of clips/user give twelve reels with exact ids and both counts", () => {
    const { response } = recorded("private_api/pgrimaud_reels.json");
    const { media, skipped, cursor } = parseList(response.body, FIRST);
    const reels = media.map((seen) => toReel(seen, owner));
    expect([reels.length, skipped.length, cursor?.slice(0, 4)]).toEqual([12, 0, "QVFD"]);
    expect(reels[0]).toMatchObject({
      media_id: "2589531623544609760",
      shortcode: "CPv3UqsBFvg",
      ig_user_id: "3171067",
      play_count: 401421,
      video_view_count: 100856,
      like_count: 16965,
      comment_count: 80,
      has_audio: true,
      video_duration: 20.433,
    });
    expect(reels.every(({ media_id, shortcode }) => /^\d{19}$/.test(media_id) && shortcode)).toBe(true);
    expect(reels.every(({ media: [medium] = [] }) => medium?.type === "video")).toBe(true);
  });

  it("of a carousel give all children with their sizes", () => {
    const { response } = recorded("private_api/pgrimaud_media.json");
    const [post] = mediaOf(response.body).map((seen) => toPost(seen, owner));
    expect(post).toMatchObject({
      media_id: "2317006284167526179",
      post_type: "carousel",
      carousel_media_count: 3,
    });
    expect(post?.media).toHaveLength(3);
    expect(post?.media?.[0]).toMatchObject({ type: "image", width: 1440, height: 1440 });
  });

  it("of the older GraphQL give twelve posts", () => {
    const { response } = recorded("web_graphql/pgrimaud_medias.json");
    const { media, skipped, cursor } = parseList(response.body, FIRST);
    const posts = media.map((seen) => toPost(seen, owner));
    expect([posts.length, skipped.length, cursor?.slice(0, 4)]).toEqual([12, 0, "QVFC"]);
    expect(posts[0]).toMatchObject({
      media_id: "2224305748263047050",
      shortcode: "B7eUksNFA-K",
      post_type: "video",
      view_count: 2726827,
      taken_at: "2020-01-18T20:09:56.000Z",
      comments_disabled: false,
    });
    expect(posts.every(({ like_count, comment_count }) => like_count! > 3 && comment_count! > 0)).toBe(true);
  });
});
