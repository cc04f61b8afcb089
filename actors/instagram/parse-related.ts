import { z } from "zod";
import { UnexpectedShapeError } from "../../shared/errors.ts";
import { flag, text } from "../../shared/parse/fields.ts";
import { assertSomeRead, readEach, readShape, type SkippedChild } from "../../shared/parse/shape.ts";
import type { RelatedItem } from "./items.ts";
import { field } from "./parse-list.ts";
import { Id, idOf } from "./parse-private.ts";

export type Related = Omit<RelatedItem, "source" | "source_ig_user_id">;

/** `null` when nobody is related. */
const Edges = z.object({ edges: z.array(z.unknown()) }).nullable();

const Account = z.object({
  id: Id,
  pk_id: Id,
  pk: Id,
  username: z.string(),
  full_name: text,
  is_private: flag,
  is_verified: flag,
  profile_pic_url: text,
});

/**
 * `GET /related-profiles` of the data API, or `web_profile_info`: `data.user.edge_related_profiles`. It may be empty.
 * @throws {UnexpectedShapeError} when there is none, or nothing in it can be read
 */
export function parseRelated(body: unknown): { related: Related[]; skipped: SkippedChild[] } {
  const user = field(field(body, "data"), "user") ?? body;
  const { edges } = readShape(Edges, field(user, "edge_related_profiles"), "related profiles") ?? {
    edges: [],
  };
  const { items, skipped } = readEach(
    edges.map((edge, index) => [`#${index}`, { node: field(edge, "node"), rank: index + 1 }] as const),
    ({ node, rank }) => readRelated(node, rank),
  );
  assertSomeRead({ items, skipped });
  return { related: items, skipped };
}

function readRelated(node: unknown, rank: number): Related {
  const account = readShape(Account, node, "an account");
  const id = idOf(account);
  if (id === undefined) throw new UnexpectedShapeError("not an account: id: expected an id, got nothing");
  return {
    target_ig_user_id: id,
    target_username: account.username,
    target_full_name: account.full_name ?? null,
    target_is_private: account.is_private ?? null,
    target_is_verified: account.is_verified ?? null,
    target_profile_pic_url: account.profile_pic_url ?? null,
    rank,
  };
}
