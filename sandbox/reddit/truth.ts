import { LISTING_CAP, SORTS, listedFullnames } from "./listings.ts";
import { searchPosts, searchSubreddits } from "./search.ts";
import { availability, postItemById, subredditItem } from "./truth-items.ts";
import { authorsSeen, metrics, originsSeen, rulesData } from "./truth-metrics.ts";
import { batchItemById, commentItems, userItem, writtenBy } from "./truth-people.ts";
import { type Place, type World, place as placeAt, placeByName, totalPosts } from "./world.ts";

/** What is asked, below `/_sandbox/truth`. */
interface Question {
  world: World;
  query: URLSearchParams;
  /** The content's time, or the query's `at`, unix seconds. */
  at: number;
  /** Decoded parts of the path that the pattern names, in order. */
  params: string[];
}

/** Lists in a query are separated by commas. `undefined` is "no such thing". */
const TRUTHS: readonly { path: string; answer: (question: Question) => unknown }[] = [
  { path: "", answer: overview },
  {
    path: "/subreddits",
    answer: ({ world, query, at }) => list(query, "names").map((name) => subredditItem(world, name, at)),
  },
  { path: "/subreddits/{name}", answer: ({ world, params, at }) => subredditItem(world, params[0]!, at) },
  {
    path: "/rules/{name}",
    answer: (question) => inOpenPlace(question, (place) => rulesData(question.world, place)),
  },
  {
    path: "/authors/{name}",
    answer: (question) => inOpenPlace(question, (place) => authorsSeen(question.world, place, question.at)),
  },
  {
    path: "/origins/{name}",
    answer: (question) => inOpenPlace(question, (place) => originsSeen(question.world, place, question.at)),
  },
  {
    path: "/metrics/{name}",
    answer: (question) =>
      inOpenPlace(question, (place) => metrics(question.world, place, question.at, observedAt(question))),
  },
  {
    path: "/listings/{name}/{sort}",
    answer: (question) => inOpenPlace(question, (place) => listingIds(question, place)),
  },
  {
    path: "/posts",
    answer: ({ world, query, at }) => list(query, "ids").map((id) => postItemById(world, id, at)),
  },
  {
    path: "/posts/{id}",
    answer: ({ world, params, at }) => postItemById(world, params[0]!, at) ?? undefined,
  },
  { path: "/comments/{id}", answer: ({ world, params, at }) => commentItems(world, params[0]!, at) },
  {
    path: "/users",
    answer: ({ world, query, at }) => list(query, "ids").map((id) => batchItemById(world, id, at)),
  },
  {
    path: "/users/{name}",
    answer: (question) => userItem(question.world, question.params[0]!, question.at, observedAt(question)),
  },
  {
    path: "/users/{name}/submitted",
    answer: ({ world, params, at }) => writtenBy(world, params[0]!, "submitted", at),
  },
  {
    path: "/users/{name}/comments",
    answer: ({ world, params, at }) => writtenBy(world, params[0]!, "comments", at),
  },
  {
    path: "/users/{name}/overview",
    answer: ({ world, params, at }) => writtenBy(world, params[0]!, "overview", at),
  },
  {
    path: "/search",
    answer: ({ world, query, at }) =>
      searchPosts(
        world,
        {
          q: query.get("q") ?? "",
          within: placeByName(world, query.get("within") ?? ""),
          sort: query.get("sort") ?? "relevance",
          t: query.get("t"),
        },
        at,
      ),
  },
  { path: "/search/subreddits", answer: ({ world, query }) => searchSubreddits(world, query.get("q") ?? "") },
];

/**
 * The answer to a path below `/_sandbox/truth`; `undefined` when there is no such truth.
 * @param now the content's time, unless the query has another `at`
 */
export function truthAt(world: World, path: string, query: URLSearchParams, now: number): unknown {
  const parts = path.split("/");
  const truth = TRUTHS.find((known) => {
    const pattern = known.path.split("/");
    return (
      pattern.length === parts.length && pattern.every((part, i) => part.startsWith("{") || part === parts[i])
    );
  });
  const params = parts.filter((_, i) => truth?.path.split("/")[i]!.startsWith("{")).map(decodeURIComponent);
  return truth?.answer({ world, query, at: Number(query.get("at") ?? now), params });
}

/** `count` says how many of the communities' names to give, from the first. */
function overview({ world, query, at }: Question) {
  const count = Math.min(Number(query.get("count") ?? 100), world.subreddits);
  const places = Array.from({ length: count }, (_, index) => placeAt(world, index));
  return {
    ...world,
    posts: totalPosts(world),
    at,
    names: places.map((place) => place.name),
    availability: Object.fromEntries(places.map((place) => [place.name, availability(place)[0]])),
    endpoints: TRUTHS.map((truth) => `/_sandbox/truth${truth.path}`),
  };
}

/** Ids in order, without `t3_`. */
function listingIds({ world, params, query, at }: Question, place: Place): string[] | undefined {
  const sort = SORTS.find((known) => known === params[1]);
  const limit = Number(query.get("limit") ?? LISTING_CAP);
  const fullnames = sort && listedFullnames(world, place, sort, query.get("t"), at);
  return fullnames?.slice(0, limit).map((fullname) => fullname.slice(3));
}

function inOpenPlace({ world, params }: Question, answer: (place: Place) => unknown): unknown {
  const place = placeByName(world, params[0]!);
  return place?.state === "ok" ? answer(place) : undefined;
}

/** When ages are taken; a crawl has its own clock. */
function observedAt({ query, at }: Question): number {
  return Number(query.get("observed_at") ?? at);
}

function list(query: URLSearchParams, name: string): string[] {
  return (query.get(name) ?? "").split(",").filter(Boolean);
}
