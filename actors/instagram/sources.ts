import type { SourceName, Target } from "./input.ts";
import type { CreatorProfile } from "./items.ts";
import { browserSource } from "./source-browser.ts";
import { apiSource } from "./source-api.ts";
import { webSource } from "./source-web.ts";
import type { ListName, MediaPage, PageRead } from "./parse-list.ts";
import type { Related } from "./parse-related.ts";
import type { SkippedChild } from "../../shared/parse/shape.ts";

/** A creator as the profile showed it. */
export interface Creator {
  ig_user_id: string;
  username: string;
}

export interface PageWanted {
  /** `null` for the first page. */
  cursor: string | null;
  /** Entries wanted of the whole list. */
  limit: number;
}

/** One way to Instagram's data: what to ask, and how to read the answers. All give the same items. */
export interface Source {
  name: SourceName;
  /** Entries of a page that is not the last, at least. */
  pageSize: Record<ListName, number>;
  /** `null` when the source cannot find a creator by what is known. */
  profileUrl(target: Target): string | null;
  listUrl(list: ListName, creator: Creator, page: PageWanted): string;
  relatedUrl(creator: Creator): string;
  parseProfile(body: unknown, target: Target): Omit<CreatorProfile, "source">;
  parseList(body: unknown, page: PageRead): MediaPage;
  parseRelated(body: unknown): { related: Related[]; skipped: SkippedChild[] };
}

export const SOURCE: Record<SourceName, Source> = {
  api: apiSource,
  web: webSource,
  browser: browserSource,
};

/** What an item says of where it comes from: `api/user-feeds`. */
export function sourceOf({ name }: Source, url: string): string {
  return `${name}${new URL(url).pathname}`;
}
