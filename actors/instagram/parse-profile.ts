import { z } from "zod";
import { count, flag, lenient, text } from "../../shared/parse/fields.ts";
import { readShape } from "../../shared/parse/shape.ts";
import type { BioLink, CreatorProfile } from "./items.ts";
import { Id } from "./parse-private.ts";

const Counted = lenient(z.object({ count }));

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
  bio_links: lenient(z.array(z.object({ title: text, url: text, link_type: text }))),
  profile_pic_url: text,
  profile_pic_url_hd: text,
  hd_profile_pic_url_info: lenient(z.object({ url: text })),
  is_private: flag,
  is_verified: flag,
  is_business_account: flag,
  is_business: flag,
  is_professional_account: flag,
  account_type: count,
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
  gating: lenient(z.object({ title: text, description: text })),
});
type Account = z.infer<typeof Account>;

/** Accounts of the apps' API: 1 is personal, 2 business, 3 creator. */
const PERSONAL = 1;
const BUSINESS = 2;

/**
 * `GET /profile` of the data API, `web_profile_info`, a profile query of the web.
 * @throws {UnexpectedShapeError}
 */
export function parseProfile(value: unknown): Omit<CreatorProfile, "source"> {
  const account = readShape(
    Account.refine(({ id, pk_id, pk }) => id ?? pk_id ?? pk, { error: "expected an id", path: ["id"] }),
    value,
    "an account",
  );
  const links = account.bio_links?.flatMap(({ title, url, link_type }): BioLink[] =>
    url ? [{ title: title || null, url, link_type: link_type ?? null }] : [],
  );
  return {
    ig_user_id: (account.id ?? account.pk_id ?? account.pk)!,
    username: account.username,
    full_name: account.full_name,
    biography: account.biography,
    // The apps say of none that it is empty.
    external_url: account.external_url === "" ? null : account.external_url,
    external_url_type: links && (links.find(({ url }) => url === account.external_url)?.link_type ?? null),
    bio_links: links,
    profile_pic_url: account.profile_pic_url,
    profile_pic_url_hd: account.profile_pic_url_hd ?? account.hd_profile_pic_url_info?.url,
    is_private: account.is_private,
    is_verified: account.is_verified,
    ...readKinds(account),
    is_joined_recently: account.is_joined_recently,
    category_name: account.category_name ?? account.category,
    has_clips:
      account.has_clips ?? (account.total_clips_count == null ? undefined : account.total_clips_count > 0),
    highlight_reel_count: account.highlight_reel_count,
    ...readAvailability(account),
  };
}

function readKinds({ account_type: type, ...account }: Account) {
  const byType = type == null ? {} : { isBusiness: type === BUSINESS, isProfessional: type !== PERSONAL };
  return {
    is_business_account: account.is_business_account ?? account.is_business ?? byType.isBusiness,
    is_professional_account: account.is_professional_account ?? byType.isProfessional,
  };
}

/** What a gate hides is sent as zeros and empty texts: those are no facts. */
function readAvailability(account: Account) {
  if (account.gating) {
    const { title, description } = account.gating;
    return {
      biography: undefined,
      availability: "gated" as const,
      availability_reason: description ?? title ?? "gated",
    };
  }
  return {
    followers_count: account.edge_followed_by?.count ?? account.follower_count,
    following_count: account.edge_follow?.count ?? account.following_count,
    media_count: account.edge_owner_to_timeline_media?.count ?? account.media_count,
    availability: account.is_private ? ("private" as const) : ("ok" as const),
    availability_reason: account.is_private ? "private" : null,
  };
}
