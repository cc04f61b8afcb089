import { z } from "zod";
import { choice, flag, isoDate, list, name, wholeNumber } from "../../shared/parse/input-fields.ts";
import { toUsername } from "./names.ts";

export const SOURCES = ["api", "web", "browser"] as const;
export type SourceName = (typeof SOURCES)[number];

const NAME_RULE =
  "expected a username: 1–30 letters, digits, dots and underscores; @name and the profile's address will do, that of a post, a story, a share or an invite will not";
const Username = name(toUsername, NAME_RULE);
const ID_RULE = "expected an id: a text of 1 to 20 digits";
const Id = z.string({ error: ID_RULE }).regex(/^\d{1,20}$/, { error: ID_RULE });

/** One creator, and what earlier runs know of it. */
export const Target = z
  .strictObject(
    {
      ig_user_id: Id.optional().describe("The creator's id, which stays when the name changes."),
      username: Username.optional().describe("The name, as it was when it was last seen."),
      newest_taken_at: isoDate()
        .optional()
        .describe("When the newest known post or reel was taken: what is older is known. ISO 8601."),
    },
    { error: "expected an object with ig_user_id, username, newest_taken_at" },
  )
  .refine(({ ig_user_id, username }) => ig_user_id ?? username, {
    error: "expected an ig_user_id or a username",
  });
export type Target = z.infer<typeof Target>;

const LISTS_DEFAULT = "of a creator never seen, 12 of one that earlier runs know";

/** Run input of the instagram actor. */
export const Input = z
  .strictObject(
    {
      usernames: list(Username, "usernames")
        .prefault([])
        .describe("Creators as name, @name or address of the profile."),
      ids: list(Id, "ids").prefault([]).describe("Creators by id, as texts."),
      creators: list(Target, "creators")
        .prefault([])
        .describe("Creators with what earlier runs know of them: ig_user_id, username, newest_taken_at."),
      posts: wholeNumber(0, 10_000)
        .optional()
        .describe(`Entries to read of the grid. Left out: 24 ${LISTS_DEFAULT}.`),
      reels: wholeNumber(0, 10_000)
        .optional()
        .describe(`Entries to read of the reels. Left out: 36 ${LISTS_DEFAULT}.`),
      since: isoDate().optional().describe("Only posts and reels taken at or after this date, ISO 8601."),
      until_known: flag(true).describe("Of a known creator, read no further than to what earlier runs saw."),
      related: flag(false).describe("Read the creators that Instagram shows beside each: one call more."),
      source: choice(SOURCES)
        .optional()
        .describe(
          "The data API, Instagram's web pages, or a browser; those of INSTAGRAM_SOURCES when left out.",
        ),
      max_cost_usd: z
        .number({ error: "expected a number above 0" })
        .positive({ error: "expected a number above 0" })
        .optional()
        .describe("End the run before its calls cost more than this, in US dollars."),
      max_requests: wholeNumber(1, 100_000_000).optional().describe("End the run after this many requests."),
    },
    { error: "expected a JSON object" },
  )
  .superRefine(({ usernames, ids, creators }, ctx) => {
    if (usernames.length + ids.length + creators.length === 0)
      // Of the input as a whole: what is due fills it.
      ctx.addIssue({ code: "custom", message: "expected at least one username, id or creator" });
  });
export type Input = z.infer<typeof Input>;

/** All creators of an input, each once; what is known of one wins over its bare name or id. */
export function targetsOf({ usernames, ids, creators }: Input): Target[] {
  const targets = [
    ...creators,
    ...ids.map((ig_user_id) => ({ ig_user_id })),
    ...usernames.map((username) => ({ username })),
  ];
  const seenIds = new Set<string>();
  const seenNames = new Set<string>();
  return targets.filter(({ ig_user_id, username }: Target) => {
    const isSeen = ig_user_id === undefined ? seenNames.has(username ?? "") : seenIds.has(ig_user_id);
    if (ig_user_id !== undefined) seenIds.add(ig_user_id);
    if (username !== undefined) seenNames.add(username);
    return !isSeen;
  });
}
