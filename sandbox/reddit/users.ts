import { between, draws, hash, pick } from "../random.ts";
import { asciiJson } from "../ascii-json.ts";
import { accountName } from "./names.ts";
import { ASPECT, type World, placeIdOfProfile, userId } from "./world.ts";

/** `deleted` leaves `[deleted]` behind; `shadowbanned` keeps its name on posts and answers 404; both are not found. */
export type AccountState = "ok" | "suspended" | "shadowbanned" | "deleted";

export interface Account {
  index: number;
  name: string;
  /** Without `t2_`. */
  id: string;
  state: AccountState;
  createdUtc: number;
  linkKarma: number;
  commentKarma: number;
  awardeeKarma: number;
  awarderKarma: number;
  /** The owner shows nobody what the account wrote. */
  hidesHistory: boolean;
  /** The owner wants no search engine, and so none of us, to keep the profile. */
  hidesFromRobots: boolean;
  isEmployee: boolean;
  isMod: boolean;
  isGold: boolean;
  isVerified: boolean;
  hasVerifiedEmail: boolean;
  acceptsFollowers: boolean;
  iconUrl: string;
  profile: {
    id: string;
    title: string;
    description: string;
    subscribers: number;
    over18: boolean;
    bannerUrl: string;
  };
}

const DAY = 86_400;

/** Without the rest of the account: what posts and comments need. */
export function accountState(world: World, user: number): AccountState {
  const lot = hash(world.seed, ASPECT.user, user, 1) % 100;
  if (lot < 2) return "suspended";
  if (lot < 4) return "shadowbanned";
  return lot < 6 ? "deleted" : "ok";
}

export function accountAt(world: World, user: number, at: number): Account {
  const draw = draws(world.seed, ASPECT.user, user);
  const name = accountName(world.seed, user);
  const id = userId(user);
  const growthDays = (Math.max(0, at - world.startAt) / DAY) * world.growth;
  const age = draw();
  const karma = (): number => Math.floor(10 ** (draw() * 5.3) - 3 + growthDays * between(draw, 0, 20));
  return {
    index: user,
    name,
    id,
    state: accountState(world, user),
    createdUtc: Math.floor(world.startAt - DAY * (1 + age * age * 5500)),
    linkKarma: karma(),
    commentKarma: karma(),
    awardeeKarma: draw() < 0.3 ? between(draw, 1, 500) : 0,
    awarderKarma: draw() < 0.1 ? between(draw, 1, 300) : 0,
    hidesHistory: draw() < 0.04,
    hidesFromRobots: draw() < 0.15,
    isEmployee: draw() < 0.002,
    isMod: draw() < 0.15,
    isGold: draw() < 0.04,
    isVerified: draw() < 0.95,
    hasVerifiedEmail: draw() < 0.85,
    acceptsFollowers: draw() < 0.8,
    iconUrl:
      draw() < 0.5
        ? `https://www.redditstatic.com/avatars/defaults/v2/avatar_default_${between(draw, 0, 7)}.png`
        : `https://styles.redditmedia.com/t5_${id}/styles/profileIcon.png?width=256&height=256`,
    profile: {
      id: placeIdOfProfile(world, user),
      title: draw() < 0.3 ? pick(draw, ["Maker & mender", "<3 tea", "just here for the answers"]) : "",
      description:
        draw() < 0.3
          ? pick(draw, [
              "Shop & commissions: https://example.com/me?x=1&y=2",
              "I reply when I can.",
              "Ich mag Holz 🪵",
            ])
          : "",
      subscribers: between(draw, 0, 200),
      over18: draw() < 0.05,
      bannerUrl: draw() < 0.2 ? `https://styles.redditmedia.com/t5_${id}/styles/profileBanner.png` : "",
    },
  };
}

export function totalKarma({ linkKarma, commentKarma, awardeeKarma, awarderKarma }: Account): number {
  return linkKarma + commentKarma + awardeeKarma + awarderKarma;
}

/** `GET /user/{name}/about` of an account that is not gone, as JSON text. */
export function accountThing(account: Account): string {
  return asciiJson({ kind: "t2", data: account.state === "suspended" ? suspended(account) : facts(account) });
}

/** An account's part of `GET /api/user_data_by_account_ids`. */
export function accountSummary(account: Account): Record<string, unknown> {
  return {
    name: account.name,
    created_utc: account.createdUtc,
    link_karma: account.linkKarma,
    comment_karma: account.commentKarma,
    profile_img: account.iconUrl,
    profile_color: "",
    profile_over_18: account.profile.over18,
  };
}

/** All that is left of it: neither id nor date nor karma. */
function suspended({ name }: Account): Record<string, unknown> {
  return { awardee_karma: 0, awarder_karma: 0, is_blocked: false, is_suspended: true, name, total_karma: 0 };
}

function facts(account: Account): Record<string, unknown> {
  return {
    is_employee: account.isEmployee,
    is_friend: false,
    subreddit: profileFacts(account),
    snoovatar_size: null,
    snoovatar_img: "",
    awardee_karma: account.awardeeKarma,
    awarder_karma: account.awarderKarma,
    link_karma: account.linkKarma,
    comment_karma: account.commentKarma,
    total_karma: totalKarma(account),
    id: account.id,
    name: account.name,
    verified: account.isVerified,
    is_gold: account.isGold,
    is_mod: account.isMod,
    is_blocked: false,
    is_suspended: false,
    has_verified_email: account.hasVerifiedEmail,
    icon_img: account.iconUrl,
    hide_from_robots: account.hidesFromRobots,
    pref_show_snoovatar: false,
    accept_chats: true,
    accept_pms: true,
    accept_followers: account.acceptsFollowers,
    has_subscribed: true,
    created: account.createdUtc,
    created_utc: account.createdUtc,
  };
}

function profileFacts({ name, profile, iconUrl, acceptsFollowers }: Account): Record<string, unknown> {
  return {
    default_set: true,
    user_is_contributor: null,
    banner_img: profile.bannerUrl,
    allowed_media_in_comments: [],
    user_is_banned: null,
    free_form_reports: true,
    community_icon: null,
    show_media: true,
    icon_color: "",
    user_is_muted: null,
    display_name: `u_${name}`,
    header_img: null,
    title: profile.title,
    previous_names: [],
    over_18: profile.over18,
    icon_size: [256, 256],
    primary_color: "",
    icon_img: iconUrl,
    description: "",
    submit_link_label: "",
    header_size: null,
    restrict_posting: true,
    restrict_commenting: false,
    subscribers: profile.subscribers,
    submit_text_label: "",
    is_default_icon: false,
    link_flair_position: "",
    display_name_prefixed: `u/${name}`,
    key_color: "",
    name: `t5_${profile.id}`,
    is_default_banner: profile.bannerUrl === "",
    url: `/user/${name}/`,
    quarantine: false,
    banner_size: null,
    user_is_moderator: null,
    accept_followers: acceptsFollowers,
    public_description: profile.description,
    link_flair_enabled: false,
    disable_contributor_requests: false,
    subreddit_type: "user",
    user_is_subscriber: null,
  };
}
