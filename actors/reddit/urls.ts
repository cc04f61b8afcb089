import { pageLimit, type Paging } from "./paging.ts";

/** Canonical host of every request; the site's transport maps it to the source in use. */
const ORIGIN = "https://www.reddit.com";

/** What has begun goes before what has not, so that one thing is completed after the other. */
export const CONTINUED = 1;

/** A canonical URL; parameters that are `undefined` are left out. */
export function redditUrl(path: string, params: Record<string, string | undefined> = {}): string {
  const url = new URL(path, ORIGIN);
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) url.searchParams.set(name, value);
  // Reddit reads lists with plain commas.
  return url.href.replaceAll("%2C", ",");
}

/** One page of any listing. */
export function pageUrl(
  path: string,
  paging: Paging,
  params: Record<string, string | undefined> = {},
): string {
  return redditUrl(path, { limit: String(pageLimit(paging)), ...params, after: paging.afters.at(-1) });
}

export function chunk<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
