import { z } from "zod";

/** What earlier runs leave of a creator for the next one. */
export const KnownCreator = z.object({
  username: z.string(),
  /** When the newest post or reel that was seen was taken, ISO 8601. */
  newest_taken_at: z.iso.datetime().nullable(),
});
export type KnownCreator = z.infer<typeof KnownCreator>;

export function knownKey(igUserId: string): string {
  return `known-creator-${igUserId}`;
}
