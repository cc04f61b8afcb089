import { pino } from "pino";
import { actor } from "../../actors/reddit/main.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { json, listing, startReplay, type Override } from "./replay-server.ts";
import { items, testConfig } from "./test-site.ts";

export const subreddit = (name: string) => ({
  kind: "t5",
  data: { id: name, name: `t5_${name}`, display_name: name, quarantine: false },
});
export const post = (id: string, name: string) => ({
  kind: "t3",
  data: { id, name: `t3_${id}`, subreddit: name, title: id, score: 1, num_comments: 0 },
});
const user = (name: string) => ({
  kind: "t2",
  data: { id: name, name, created_utc: 1, link_karma: 0, comment_karma: 0, hide_from_robots: true },
});

/** A site on which everybody and everything exists, but for what `override` says. */
const world =
  (override: Override): Override =>
  (url, request) => {
    const overridden = override(url, request);
    if (overridden || url.pathname === "/token") return overridden;
    const [, kind, name, what] = url.pathname.split("/");
    if (url.pathname === "/api/info") return json(200, listing([]));
    if (kind === "user") return json(200, user(name!));
    return json(200, what === "about" ? subreddit(name!) : listing([post(`${name}${what}`, name!)]));
  };

/** Crawls that site for what `input` asks, and for nothing else. */
export async function crawlWorld(input: object, override: Override, env: Record<string, string> = {}) {
  const server = await startReplay([], world(override));
  const config = await testConfig({ ...server.env, ...env });
  const startedAt = Date.now();
  const { exitCode, summary } = await runActor(actor, {
    config,
    log: pino({ level: "silent" }),
    input: { listings: [], rules: false, authors: "none", ...input },
  });
  const tookSecs = (Date.now() - startedAt) / 1000;
  return {
    exitCode,
    summary: summary!,
    tookSecs,
    asked: server.asked,
    of: (name: string) => items(config, name),
  };
}
