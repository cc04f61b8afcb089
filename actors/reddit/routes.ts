import {
  createRouter,
  type GoneContext,
  type HandlerContext,
  type Router,
} from "../../shared/crawl/router.ts";
import { nextInChain } from "./listing-chain.ts";
import { sameName } from "./names.ts";
import type { SkippedChild } from "./parse-listing.ts";
import { parsePosts } from "./parse-post.ts";
import { parseAbout, parseSubreddits } from "./parse-subreddit.ts";
import { aboutRequest, AboutUserData, InfoUserData, listingRequest, ListingUserData } from "./requests.ts";

export const router: Router = createRouter();

router.addHandler("INFO", {
  userData: InfoUserData,
  async handle({ request, body, pushData, addRequests }) {
    const { subreddits, skipped } = parseSubreddits(body);
    await pushData(subreddits, "reddit_subreddits");
    await reportSkipped({ request, pushData }, skipped);
    const missing = request.userData.names.filter(
      (name) => !subreddits.some((subreddit) => sameName(subreddit.name, name)),
    );
    await addRequests(missing.map((name) => aboutRequest({ name })));
  },
  async gone({ request, addRequests }) {
    await addRequests(request.userData.names.map((name) => aboutRequest({ name })));
  },
});

router.addHandler("ABOUT", {
  userData: AboutUserData,
  async handle({ body, pushData }) {
    await pushData(parseAbout(body), "reddit_subreddits");
  },
  async gone(context) {
    await pushAvailability(context, context.request.userData.name);
  },
});

router.addHandler("LISTING", {
  userData: ListingUserData,
  async handle({ request, body, pushData, addRequests }) {
    const { posts, skipped, after } = parsePosts(body);
    await pushData(posts, "reddit_posts");
    await reportSkipped({ request, pushData }, skipped);
    const ids = posts.map((post) => post.reddit_id);
    const next = nextInChain(request.userData, { ids, after });
    if (next) await addRequests([listingRequest(next)]);
  },
  async gone(context) {
    const { request, gone, addRequests } = context;
    await pushAvailability(context, request.userData.subreddit);
    // What states nothing about the subreddit is about this one listing.
    const next = gone.availability === null && nextInChain(request.userData, { ids: [], after: null });
    if (next) await addRequests([listingRequest(next)]);
  },
});

/** What the site stated about a subreddit instead of answering; an answer that states nothing changes nothing. */
async function pushAvailability({ gone, pushData }: GoneContext<unknown>, name: string): Promise<void> {
  if (gone.availability === null) return;
  const { availability, reason } = gone;
  await pushData({ name, availability, availability_reason: reason }, "reddit_subreddits");
}

/** Children of a page that could not be read are failures of their own: the rest of the page counts. */
async function reportSkipped(
  { request, pushData }: Pick<HandlerContext<unknown>, "request" | "pushData">,
  skipped: readonly SkippedChild[],
): Promise<void> {
  const failures = skipped.map(({ id, reason }) => ({
    request_id: `${request.id}#${id}`,
    url: request.url,
    label: request.label,
    outcome: "malformed",
    reason: "UnexpectedShapeError",
    status: 200,
    attempts: request.retryCount + 1,
    last_error: reason,
  }));
  await pushData(failures, "failed_requests");
}
