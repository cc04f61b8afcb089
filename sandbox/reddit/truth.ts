import { LISTING_CAP, SORTS, type Sort, listedFullnames } from "./listings.ts";
import { availability, postItemById, subredditItem } from "./truth-items.ts";
import { type World, place as placeAt, placeByName, totalPosts } from "./world.ts";

/** The answer to a path below `/_sandbox/truth`; `undefined` when there is no such truth. */
export function truthAt(world: World, path: string, query: URLSearchParams, now: number): unknown {
  const at = Number(query.get("at") ?? now);
  const [topic, first, second] = path.split("/").filter(Boolean).map(decodeURIComponent);
  const list = (name: string): string[] => (query.get(name) ?? "").split(",").filter(Boolean);
  switch (topic) {
    case undefined:
      return overview(world, at, Number(query.get("count") ?? 100));
    case "subreddits":
      return first === undefined
        ? list("names").map((name) => subredditItem(world, name, at))
        : subredditItem(world, first, at);
    case "listings":
      return first === undefined ? undefined : listingIds(world, first, second ?? "hot", query, at);
    case "posts":
      return first === undefined
        ? list("ids").map((id) => postItemById(world, id, at))
        : (postItemById(world, first, at) ?? undefined);
    default:
      return undefined;
  }
}

/** @param count how many of the communities' names to give, from the first */
function overview(world: World, at: number, count: number) {
  const places = Array.from({ length: Math.min(count, world.subreddits) }, (_, index) =>
    placeAt(world, index),
  );
  return {
    ...world,
    posts: totalPosts(world),
    at,
    names: places.map((place) => place.name),
    availability: Object.fromEntries(places.map((place) => [place.name, availability(place)[0]])),
    endpoints: [
      "/_sandbox/truth?count={count}",
      "/_sandbox/truth/subreddits?names={name},…",
      "/_sandbox/truth/subreddits/{name}",
      "/_sandbox/truth/listings/{name}/{sort}?t={t}&limit={limit}",
      "/_sandbox/truth/posts?ids={id},…",
      "/_sandbox/truth/posts/{id}",
    ],
  };
}

function listingIds(
  world: World,
  name: string,
  sort: string,
  query: URLSearchParams,
  at: number,
): string[] | undefined {
  const place = placeByName(world, name);
  if (place?.state !== "ok" || !SORTS.includes(sort as Sort)) return undefined;
  const limit = Number(query.get("limit") ?? LISTING_CAP);
  return listedFullnames(world, place, sort as Sort, query.get("t"), at)
    .slice(0, limit)
    .map((fullname) => fullname.slice(3));
}
