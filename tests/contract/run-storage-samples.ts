import type { ClaimedRequest, Commit, NewRequest, PushedItem } from "../../shared/crawl/run-storage.ts";

export function request(uniqueKey: string, rest: Partial<NewRequest> = {}): NewRequest {
  const url = `https://oauth.reddit.com/${encodeURIComponent(uniqueKey)}`;
  return { url, uniqueKey, label: "LISTING", userData: {}, ...rest };
}

export function commit({ id, attempt }: ClaimedRequest, rest: Partial<Commit> = {}): Commit {
  return { id, attempt, outcome: "handled", items: [], children: [], ...rest };
}

export function post(key: string, fields: Record<string, unknown> = {}): PushedItem {
  return { dataset: "reddit_posts", key, item: { reddit_id: key, ...fields } };
}

export function subreddit(name: string, fields: Record<string, unknown> = {}): PushedItem {
  return { dataset: "reddit_subreddits", key: name.toLowerCase(), item: { name, ...fields } };
}

export function user(name: string, fields: Record<string, unknown> = {}): PushedItem {
  return { dataset: "reddit_users", key: name.toLowerCase(), item: { username: name, ...fields } };
}

export function failure(id: string, fields: Record<string, unknown>): PushedItem {
  return { dataset: "failed_requests", key: id, item: { request_id: id, ...fields } };
}
