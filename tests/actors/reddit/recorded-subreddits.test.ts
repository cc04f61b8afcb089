import { expect, it } from "vitest";
import { parseAbout, parseSubreddits } from "../../../actors/reddit/parse-subreddit.ts";
import { describeRecorded, recordings, thingsOf, type RawThing } from "./recordings.ts";

/** Columns that carry the site's own value under the site's own name. */
const SAME = [
  "display_name_prefixed title description public_description subscribers over18 subreddit_type url lang",
  "submission_type submit_text submit_text_html allow_images allow_videos allow_polls spoilers_enabled",
  "wiki_enabled link_flair_enabled link_flair_position user_flair_enabled_in_sr user_flair_position icon_img",
  "banner_img community_icon header_img mobile_banner_image banner_background_color primary_color key_color",
  "advertiser_category allowed_media_in_comments restrict_posting accept_followers",
].flatMap((line) => line.split(" "));

/** Written from the column definitions alone. */
function expectedSubreddit(raw: RawThing): Record<string, unknown> {
  const expected: Record<string, unknown> = {
    name: raw["display_name"],
    reddit_id: raw.name.replace("t5_", ""),
    created_utc: new Date(raw.created_utc * 1000).toJSON(),
    availability: "ok",
    availability_reason: null,
  };
  if ("quarantine" in raw) expected["is_quarantined"] = raw["quarantine"];
  for (const name of SAME) if (name in raw) expected[name] = raw[name];
  return expected;
}

/** As it is stored: without what was left out. */
const stored = (value: unknown) => JSON.parse(JSON.stringify(value));

describeRecorded("subreddits", () => {
  it.each(recordings("subreddit_about"))("$name: every field", ({ body }) => {
    const [raw] = thingsOf(body, "t5");
    expect(stored(parseAbout(body))).toEqual(expectedSubreddit(raw!));
  });

  const pages = recordings("info", "subreddits_new", "subreddits_popular", "subreddits_search");
  it.each(pages.filter(({ body }) => thingsOf(body, "t5").length > 0))(
    "$name: every subreddit, every field",
    ({ body }) => {
      const { subreddits, skipped, after } = parseSubreddits(body);
      expect(skipped).toEqual([]);
      expect(stored(subreddits)).toEqual(thingsOf(body, "t5").map(expectedSubreddit));
      expect(after).toBe((body as { data: { after: unknown } }).data.after);
    },
  );

  it.skipIf(pages.length === 0)("the recorded chain of new subreddits follows its own cursors", () => {
    const chain = pages.filter(({ name }) => name.startsWith("subreddits_new")).toReversed();
    const afters = chain.map(({ body }) => parseSubreddits(body).after);
    expect(afters.slice(0, -1)).toEqual(
      chain.slice(1).map(({ url }) => new URL(url).searchParams.get("after")),
    );
  });
});
