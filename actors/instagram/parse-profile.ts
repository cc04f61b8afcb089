import { z } from "zod";
import { count, flag, fromTold, lenient, text, told } from "../../shared/parse/fields.ts";
import { listOf } from "../../shared/parse/parts.ts";
import { readShape } from "../../shared/parse/shape.ts";
import type { BioLink, CreatorProfile } from "./items.ts";
import { knownCount } from "./media.ts";
import { Id } from "./parse-private.ts";

const Counted = lenient(z.object({ count }));

const Link = z.object({ title: text, url: z.string(), link_type: text });

/** Whatever stands in the field: it says that there is a gate. */
const Gating = z
  .object({ title: text, description: text })
  .catch({ title: undefined, description: undefined });

/** Kinds of accounts in the apps' API. */
const PERSONAL = 1;
const BUSINESS = 2;
const CREATOR = 3;

/**
 * An account, in the two forms that Instagram has: that of `web_profile_info` counts in `edge_…` fields, the flat
 * one of its apps in `…_count`. The second has other names for some fields.
 */
const Account = z.object({
  id: Id,
  pk_id: Id,
  pk: Id,
  username: z.string(),
  full_name: text,
  biography: text,
  external_url: text,
  bio_links: listOf("bio_links", Link),
  profile_pic_url: text,
  profile_pic_url_hd: text,
  hd_profile_pic_url_info: lenient(z.object({ url: text })),
  is_private: flag,
  is_verified: flag,
  is_business_account: flag,
  is_business: flag,
  is_professional_account: flag,
  account_type: lenient(z.literal([PERSONAL, BUSINESS, CREATOR])),
  is_joined_recently: flag,
  category_name: text,
  category: text,
  has_clips: flag,
  total_clips_count: count,
  highlight_reel_count: count,
  edge_followed_by: Counted,
  follower_count: count,
  edge_follow: Counted,
  following_count: count,
  edge_owner_to_timeline_media: Counted,
  media_count: count,
  gating: z.union([z.literal(false), Gating]).nullish(),
});
type Account = z.infer<typeof Account>;

/**
 * `GET /profile` of the data API, `web_profile_info`, a profile query of the web.
 * @throws {UnexpectedShapeError}
 */
export function parseProfile(value: unknown): Omit<CreatorProfile, "source"> {
  const whole = readShape(
    Account.refine(({ id, pk_id, pk }) => id ?? pk_id ?? pk, { error: "expected an id", path: ["id"] }),
    value,
    "an account",
  );
  const account = whole.gating ? withoutEmpty(whole) : whole;
  const links = fromTold(account.bio_links, (some) =>
    some.flatMap(({ title, url, link_type }): BioLink[] =>
      url ? [{ title: title || null, url, link_type: link_type ?? null }] : [],
    ),
  );
  return {
    ig_user_id: (account.id ?? account.pk_id ?? account.pk)!,
    username: account.username,
    full_name: account.full_name,
    biography: account.biography,
    // The apps say of none that it is empty.
    external_url: account.external_url === "" ? null : account.external_url,
    external_url_type: fromTold(
      account.external_url === undefined ? undefined : links,
      (some) => some.find(({ url }) => url === account.external_url)?.link_type ?? null,
    ),
    bio_links: links,
    profile_pic_url: account.profile_pic_url,
    profile_pic_url_hd: told(
      account.profile_pic_url_hd,
      fromTold(account.hd_profile_pic_url_info, ({ url }) => url),
    ),
    is_private: account.is_private,
    is_verified: account.is_verified,
    ...readKinds(account),
    is_joined_recently: account.is_joined_recently,
    category_name: told(account.category_name, account.category),
    has_clips: told(
      account.has_clips,
      fromTold(account.total_clips_count, (clips) => clips > 0),
    ),
    highlight_reel_count: account.highlight_reel_count,
    ...(account.gating ? readGate(account.gating) : readNumbers(account)),
  };
}

function readKinds({ account_type: type, ...account }: Account) {
  return {
    is_business_account: told(
      account.is_business_account,
      account.is_business,
      fromTold(type, () => type === BUSINESS),
    ),
    is_professional_account: told(
      account.is_professional_account,
      fromTold(type, () => type !== PERSONAL),
    ),
  };
}

function readNumbers(account: Account) {
  return {
    followers_count: countIn(account.edge_followed_by, account.follower_count),
    following_count: countIn(account.edge_follow, account.following_count),
    media_count: countIn(account.edge_owner_to_timeline_media, account.media_count),
    availability: account.is_private ? ("private" as const) : ("ok" as const),
    availability_reason: account.is_private ? "private" : null,
  };
}

function countIn(edges: z.infer<typeof Counted>, flat: number | null | undefined) {
  return knownCount(
    told(
      fromTold(edges, (some) => some.count),
      flat,
    ),
  );
}

function readGate({ title, description }: z.infer<typeof Gating>) {
  return {
    availability: "gated" as const,
    availability_reason: description ?? title ?? "gated",
  };
}

/** What a gate hides is sent as zeros and empty texts: those are no facts. */
function withoutEmpty(account: Account): Account {
  const shown = Object.entries(account).filter(([, value]) => value !== 0 && value !== "");
  return Object.fromEntries(shown) as Account;
}
