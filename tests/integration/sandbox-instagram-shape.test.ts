import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Json } from "./sandbox-client.ts";
import {
  type InstagramSite,
  type Overview,
  feedPages,
  instagramSite,
  reelsPages,
} from "./sandbox-instagram-client.ts";

const FOLDER = path.resolve(import.meta.dirname, "../../../shared/fixtures/instagram");
const hasRecordings = existsSync(FOLDER);
if (!hasRecordings) console.warn(`skipped: no recorded answers in ${FOLDER}`);

/** Where in a body which types of value stand; entries of arrays share a place. */
type Shape = Map<string, Set<string>>;

function shapeOf(value: unknown, shape: Shape = new Map(), place = ""): Shape {
  if (place) {
    const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    shape.set(place, (shape.get(place) ?? new Set()).add(type));
  }
  if (Array.isArray(value)) for (const entry of value) shapeOf(entry, shape, `${place}[]`);
  else if (typeof value === "object" && value !== null)
    for (const [key, entry] of Object.entries(value)) shapeOf(entry, shape, place ? `${place}.${key}` : key);
  return shape;
}

/**
 * Places of `recorded` that `ours` lacks, and those that have a type there which no recording has. Below what the
 * recording has and we leave empty nothing is compared.
 */
function differences(recorded: unknown, ours: unknown): { missing: string[]; other: string[] } {
  const [theirs, mine] = [shapeOf(recorded), shapeOf(ours)];
  const isKnown = (place: string): boolean => {
    const parent = place.slice(0, Math.max(place.lastIndexOf("."), place.lastIndexOf("[]")));
    return parent === "" || (mine.get(parent)?.has(place.endsWith("[]") ? "array" : "object") ?? false);
  };
  const missing = [...theirs.keys()].filter(
    (place) => !mine.has(place) && isKnown(place) && !place.endsWith("[]"),
  );
  const other = [...mine].flatMap(([place, types]) => {
    const known = theirs.get(place);
    if (!known || known.has("null") || types.has("null")) return [];
    return [...types].every((type) => known.has(type)) ? [] : [`${place}: ${[...types]}, not ${[...known]}`];
  });
  return { missing, other };
}

function recording(file: string): { status: number; body: Json } {
  const text = readFileSync(path.join(FOLDER, file), "utf8");
  return (JSON.parse(text) as { response: { status: number; body: Json } }).response;
}

async function manyMedia(site: InstagramSite): Promise<{ feed: Json[]; reels: Json[] }> {
  const { ids } = await site.truth<Overview>("instagram");
  const feed: Json[] = [];
  const reels: Json[] = [];
  for (const id of [ids[0]!, ids[2]!, ids[6]!]) {
    feed.push(...(await feedPages(site, id)).flatMap(({ items }) => items));
    reels.push(...(await reelsPages(site, id)).flatMap(({ items }) => items));
  }
  return { feed, reels };
}

describe.runIf(hasRecordings)("answers have the shape of the recorded ones", () => {
  it("web_profile_info", async () => {
    const site = await instagramSite();
    const recorded = recording("web_profile_info/pgrimaud_profile.json");
    const reply = await site.web("/api/v1/users/web_profile_info/?username=quiet.otter.0");
    expect(reply.status).toBe(recorded.status);
    expect(differences(recorded.body, JSON.parse(reply.body))).toEqual({ missing: [], other: [] });
  });

  it("the timeline query", async () => {
    const site = await instagramSite();
    const recorded = recording("web_graphql/pgrimaud_medias.json").body["data"];
    const ours = await site.query("7950326061742207", { id: "3171067", first: 12 });
    expect(differences(recorded, ours)).toEqual({ missing: [], other: [] });
  });

  it("a user that is nobody", async () => {
    const site = await instagramSite();
    const recorded = recording("web_graphql/pgrimaud_profile-id-invalid.json").body["data"] as Json;
    expect(await site.query("25980296051578533", { id: "1" })).toMatchObject({ user: recorded["user"] });
  });

  it("reels of the data API", async () => {
    const site = await instagramSite();
    const { reels } = await manyMedia(site);
    const recorded = recording("private_api/pgrimaud_reels.json").body;
    const ours = { items: reels, paging_info: { max_id: "", more_available: false }, status: "ok" };
    const { missing, other } = differences(recorded, ours);
    // Ids came as texts from Instagram then; the data API sends numbers.
    expect(other.filter((line) => !/(\.pk|media_id|canonical_id): number, not string/.test(line))).toEqual(
      [],
    );
    // Previews of the video in other sizes.
    expect(missing).toEqual(["items[].media.image_versions2.additional_candidates"]);
  });

  it("a carousel of the data API", async () => {
    const site = await instagramSite();
    const { feed } = await manyMedia(site);
    const recorded = recording("private_api/pgrimaud_media.json").body["items"];
    const carousels = feed.filter((one) => one["media_type"] === 8);
    expect(differences({ items: recorded }, { items: carousels })).toEqual({ missing: [], other: [] });
  });

  it.each([
    ["200_age_restricted", "/api/v1/users/web_profile_info/?username=_otter_7"],
    ["404_user_not_found", "/api/v1/users/web_profile_info/?username=nobody"],
    ["302_login_redirect", "/_maple_15/"],
  ])("%s", async (name, ask) => {
    const site = await instagramSite();
    const recorded = recording(`errors_quoted/${name}.json`);
    const { status, body } = await site.web(ask);
    expect(status).toBe(recorded.status);
    const ours: unknown = body === "" ? "" : JSON.parse(body);
    expect(differences(recorded.body, ours)).toEqual({ missing: [], other: [] });
  });

  it.each([
    ["errors_quoted/400_checkpoint_challenge", "checkpoint"],
    ["errors/pgrimaud_checkpoint-challenge", "checkpoint"],
    ["errors_quoted/400_feedback_required", "checkpoint"],
    ["errors_quoted/403_login_required", "checkpoint"],
    ["errors_quoted/429_or_400_useragent_mismatch", "useragent_mismatch"],
    ["errors_quoted/401_require_login", "require_login"],
    ["errors_quoted/401_require_login_bare", "require_login"],
  ] as const)("%s", async (name, kind) => {
    const site = await instagramSite({}, { faults: [{ kind }] });
    const recorded = recording(`${name}.json`);
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, i) => site.web(`/api/v1/users/web_profile_info/?username=name${i}`)),
    );
    const alike = replies
      .map(({ status, body }) => ({ status, body: JSON.parse(body) as Json }))
      .find(({ status, body }) => status === recorded.status && body["message"] === recorded.body["message"]);
    expect(differences(recorded.body, alike?.body)).toEqual({ missing: [], other: [] });
  });

  it.each([
    ["rapidapi_403_not_subscribed", "not_subscribed"],
    ["rapidapi_429_monthly_quota", "monthly_quota"],
    ["rapidapi_429_per_second", "per_second"],
  ] as const)("%s", async (name, kind) => {
    const site = await instagramSite(
      { apiPlan: { name: kind === "monthly_quota" ? "BASIC" : "PRO" } },
      { faults: [{ kind }] },
    );
    const { status, body } = await site.api("/profile?username=quiet.otter.0");
    expect({ status, body: JSON.parse(body) as Json }).toEqual(
      expect.objectContaining({
        status: recording(`errors_quoted/${name}.json`).status,
        body: recording(`errors_quoted/${name}.json`).body,
      }),
    );
  });
});
