import { type Draw, between, draws, hash, pick } from "../random.ts";
import { asciiJson } from "../ascii-json.ts";
import { ruleTexts } from "./rules.ts";
import { paragraphs, toHtml } from "./texts.ts";
import { ASPECT, type Place, type World } from "./world.ts";

const DAY = 86_400;

/** Readers of a place; `null` for the few that hide the number. */
export function subscribersAt(world: World, place: Place, at: number): number | null {
  if (place.owner === null && hash(world.seed, ASPECT.subreddit, place.index, 1) % 40 === 0) return null;
  const days = Math.max(0, at - world.startAt) / DAY;
  return place.subscribers + Math.floor(days * world.growth * (1 + place.subscribers / 1000));
}

/** The facts of a `t5` that differ between communities, under Reddit's own names and with `raw_json=1`. */
export function subredditFacts(world: World, place: Place, at: number) {
  const draw = draws(world.seed, ASPECT.subreddit, place.index);
  const isProfile = place.owner !== null;
  const description = isProfile
    ? ""
    : [paragraphs(draw, between(draw, 0, 3)), ...ruleTexts(world, place).sidebar]
        .filter(Boolean)
        .join("\n\n");
  const publicDescription =
    draw() < 0.8 ? `A place for ${place.topic.toLowerCase()} & everything around it. <3` : "";
  const submitText = draw() < 0.3 ? "Please search first & use a flair.\n\nTitles need > 10 characters." : "";
  const styles = `https://styles.redditmedia.com/t5_${place.id}/styles`;
  const colour = (): string => (draw() < 0.5 ? "" : pick(draw, ["#0079d3", "#24a0ed", "#ff4500", "#6a5c4d"]));
  const url = (share: number, path: string): string =>
    draw() < share ? `${styles}/${path}?width=256&s=${hash(world.seed, 1, place.index)}` : "";
  return {
    display_name: place.name,
    display_name_prefixed: isProfile ? `u/${place.name.slice(2)}` : `r/${place.name}`,
    name: `t5_${place.id}`,
    id: place.id,
    url: isProfile ? `/user/${place.name.slice(2)}/` : `/r/${place.name}/`,
    title: isProfile
      ? ""
      : `${place.topic}: ${pick(draw, ["the community", "tips & talk", "for everyone", "since 2011"])}`,
    description,
    description_html: toHtml(description),
    public_description: publicDescription,
    public_description_html: toHtml(publicDescription),
    subscribers: subscribersAt(world, place, at),
    created: place.createdUtc,
    created_utc: place.createdUtc,
    over18: place.over18,
    subreddit_type: isProfile ? "user" : draw() < 0.05 ? "restricted" : "public",
    quarantine: false,
    lang: draw() < 0.95 ? "en" : "de",
    submission_type: pick(draw, ["any", "any", "any", "self", "link"]),
    submit_text: submitText,
    submit_text_html: toHtml(submitText),
    allow_images: draw() < 0.9,
    allow_videos: draw() < 0.8,
    allow_galleries: draw() < 0.7,
    allow_polls: draw() < 0.5,
    spoilers_enabled: draw() < 0.95,
    wiki_enabled: draw() < 0.1 ? null : draw() < 0.6,
    restrict_posting: draw() < 0.9,
    accept_followers: draw() < 0.5,
    link_flair_enabled: draw() < 0.7,
    link_flair_position: pick(draw, ["left", "right", ""]),
    user_flair_enabled_in_sr: draw() < 0.5,
    user_flair_position: pick(draw, ["left", "right"]),
    icon_img: url(0.3, "icon.png"),
    banner_img: url(0.2, "banner.png"),
    community_icon: url(0.6, "communityIcon.png"),
    header_img: url(0.2, "header.png") || null,
    mobile_banner_image: url(0.3, "mobileBannerImage.png"),
    banner_background_image: url(0.3, "bannerBackgroundImage.png"),
    banner_background_color: colour(),
    primary_color: colour(),
    key_color: colour(),
    advertiser_category: pick(draw, ["", "Lifestyles", "Hobbies & Leisure", "College / University"]),
    ...commentMedia(draw),
  };
}

/** A `t5` thing as `GET /r/{subreddit}/about` and `/api/info` answer it with `raw_json=1`, as JSON text. */
export function subredditThing(world: World, place: Place, at: number): string {
  return `{"kind":"t5","data":{${FIXED},${asciiJson(subredditFacts(world, place, at)).slice(1)}}`;
}

/** Younger keys: old communities answer without them. */
function commentMedia(draw: Draw): {
  allowed_media_in_comments?: string[];
  comment_contribution_settings?: unknown;
} {
  const types = ["static", "giphy", "animated"].slice(0, between(draw, 0, 3));
  if (draw() < 0.3) return {};
  return {
    allowed_media_in_comments: types,
    comment_contribution_settings: { allowed_media_types: types.length ? types : null },
  };
}

/** The keys that a reader without an account always sees with the same value. */
const FIXED = JSON.stringify({
  user_flair_background_color: null,
  user_is_banned: null,
  free_form_reports: true,
  user_is_muted: null,
  user_can_flair_in_sr: null,
  icon_size: null,
  public_traffic: false,
  user_flair_richtext: [],
  videostream_links_count: 0,
  hide_ads: false,
  prediction_leaderboard_entry_type: "IN_FEED",
  emojis_enabled: false,
  comment_score_hide_mins: 0,
  allow_predictions: false,
  user_has_favorited: null,
  user_flair_template_id: null,
  original_content_tag_enabled: false,
  community_reviewed: true,
  allow_talks: false,
  header_size: null,
  header_title: "",
  all_original_content: false,
  collections_enabled: false,
  is_enrolled_in_new_modmail: null,
  event_posts_enabled: true,
  can_assign_user_flair: false,
  can_assign_link_flair: true,
  wls: 6,
  whitelist_status: "all_ads",
  show_media_preview: true,
  show_media: true,
  user_is_subscriber: null,
  disable_contributor_requests: false,
  allow_videogifs: true,
  should_archive_posts: false,
  user_flair_type: "text",
  collapse_deleted_comments: false,
  coins: 0,
  emojis_custom_size: null,
  is_crosspostable_subreddit: true,
  notification_level: null,
  has_menu_widget: false,
  accounts_active_is_fuzzed: false,
  allow_prediction_contributors: false,
  submit_text_label: "",
  submit_link_label: "",
  user_sr_flair_enabled: null,
  allow_chat_post_creation: false,
  allow_discovery: true,
  user_sr_theme_enabled: true,
  suggested_comment_sort: null,
  user_flair_text: null,
  user_flair_text_color: null,
  user_flair_css_class: null,
  is_chat_post_feature_enabled: true,
  user_is_moderator: null,
  user_is_contributor: null,
  restrict_commenting: false,
  banner_size: null,
  allow_predictions_tournament: false,
}).slice(1, -1);
