import type { Tab } from "./feeds.ts";
import { type Source, availabilityOf, creatorItem, relatedItems, tabItems } from "./truth-items.ts";
import { metricsItem } from "./truth-metrics.ts";
import { type Creator, type InstagramWorld, anyCreator, creatorAt } from "./world.ts";

interface Question {
  world: InstagramWorld;
  query: URLSearchParams;
  /** The content's time, or the query's `at`, unix seconds. */
  at: number;
  source: Source;
}

/**
 * The answer to a path below `/_sandbox/truth` about Instagram; `undefined` when there is no such truth. A creator
 * is named by name or id; `source=web` or `browser` gives what a crawl by that can know, else by the data API.
 * @param now the content's time, unless the query has another `at`
 */
export function instagramTruthAt(
  world: InstagramWorld,
  path: string,
  query: URLSearchParams,
  now: number,
): unknown {
  const [, what, key] = path.split("/");
  const at = Number(query.get("at") ?? now);
  const question: Question = { world, query, at, source: sourceOf(query) };
  if (what === "instagram") return overview(question);
  if (what === "instagram_creators" && key === undefined) return creatorItems(question);
  const truth = TRUTHS[what ?? ""];
  const creator = truth && key !== undefined && anyCreator(world, decodeURIComponent(key), at);
  return creator ? truth(question, creator) : undefined;
}

function sourceOf(query: URLSearchParams): Source {
  const source = query.get("source");
  return source === "web" || source === "browser" ? source : "api";
}

const TRUTHS: Record<string, (question: Question, creator: Creator) => unknown> = {
  instagram_creators: ({ world, at, source }, creator) => creatorItem(world, creator, at, source),
  instagram_posts: (question, creator) => itemsOf(question, creator, "feed"),
  instagram_reels: (question, creator) => itemsOf(question, creator, "reels"),
  instagram_metrics: metricsOf,
  instagram_related: ({ world, at }, creator) => relatedItems(world, creator, at),
};

/** Creators in order: who they are, and what becomes of a request for them. */
function overview({ world, at, query, source }: Question) {
  const count = Math.min(Number(query.get("count") ?? world.creators), world.creators);
  const creators = Array.from({ length: count }, (_, index) => creatorAt(world, index, at));
  return {
    ...world,
    at,
    names: creators.map(({ username }) => username),
    ids: creators.map(({ id }) => id),
    availability: Object.fromEntries(
      creators.map((creator) => [creator.username, availabilityOf(creator, source)[0]]),
    ),
    /** Present name → the earlier ones. */
    renamed: Object.fromEntries(
      creators
        .filter(({ previousUsernames }) => previousUsernames.length > 0)
        .map(({ username, previousUsernames }) => [username, previousUsernames]),
    ),
    endpoints: Object.keys(TRUTHS).map((name) => `/_sandbox/truth/${name}/{username or id}`),
  };
}

/** `names` or `ids`, separated by commas; all without either. `null` for nobody. */
function creatorItems(question: Question) {
  const { world, query, at, source } = question;
  const keys = (query.get("names") ?? query.get("ids"))?.split(",").filter(Boolean);
  const creators = keys
    ? keys.map((key) => anyCreator(world, key, at))
    : Array.from({ length: world.creators }, (_, index) => creatorAt(world, index, at));
  return creators.map((creator) => creator && creatorItem(world, creator, at, source));
}

function itemsOf({ world, query, at, source }: Question, creator: Creator, tab: Tab) {
  return tabItems(world, creator, { tab, limit: Number(query.get("limit") ?? Infinity), at, source });
}

/** Figures over as many entries as the query's `posts` and `reels` say, 24 and 36 when it does not. */
function metricsOf({ world, at, query, source }: Question, creator: Creator) {
  const number = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);
  return metricsItem(world, creator, {
    at,
    source,
    posts: number("posts", 24),
    reels: number("reels", 36),
    observedAt: number("observed_at", at),
    viralPlays: number("viral_plays", 50_000),
    viralFactor: number("viral_factor", 5),
  });
}
