import { LRUCache } from "lru-cache";
import type { Pool } from "pg";
import { z } from "zod";
import { countRows, type Total } from "../../shared/db/queries/count.ts";
import type { Filter } from "../../shared/db/queries/filter.ts";
import { InvalidCursorError, type ListTable, readPage } from "../../shared/db/queries/page.ts";
import { invalidRequest } from "./api-error.ts";
import { int, list } from "./query.ts";
import { JsonText } from "./reply.ts";

/** Seconds that a page is kept: a burst of equal requests is one question, and nobody sees anything older. */
export const LIST_CACHE_SECS = 2;

/** How long a total of filtered rows is told again. */
const TOTAL_TTL_MS = 60_000;

const limitParameter = int(1, 1000).default(50);

/** Parameters that every list of a table has. */
export function listParameters<Table extends ListTable>(
  table: Table,
  defaultSort: keyof Table["sorts"] & string,
) {
  // The keys of an object with at least the default one.
  const sorts = Object.keys(table.sorts) as [string, ...string[]];
  const extra = Object.keys(table.extraColumns ?? {}) as [string, ...string[]];
  return {
    limit: limitParameter,
    cursor: z.string().max(500).optional().meta({ description: "next_cursor of the page before" }),
    sort: z
      .enum(sorts)
      .default(defaultSort)
      .meta({ description: "descending; rows without a value come last" }),
    fields: list(z.enum(extra))
      .optional()
      .meta({ description: `adds fields, comma-separated: ${extra.join(", ")}` }),
  };
}

/** A list's answer. @param item one row, by its columns */
export function listOf(item: z.ZodType) {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().meta({ description: "null: this is the last page" }),
    total: z.int(),
    total_is_estimate: z.boolean(),
  });
}

export interface ListRequest {
  sort: string;
  limit: number;
  cursor?: string | undefined;
  fields?: string[] | undefined;
}

/** Answers lists: a page, and how many rows there are in all, which is remembered from page to page. */
export function createListReader(pool: Pool) {
  const totals = new LRUCache<string, Promise<Total>>({ max: 1_000, ttl: TOTAL_TTL_MS });
  const totalOf = (table: string, filter: Filter): Promise<Total> => {
    const key = `${table} ${filter.where()} ${JSON.stringify(filter.values)}`;
    const known = totals.get(key);
    if (known) return known;
    const counting = countRows(pool, table, filter);
    totals.set(key, counting);
    counting.catch(() => totals.delete(key));
    return counting;
  };
  return async (table: ListTable, filter: Filter, request: ListRequest): Promise<JsonText> => {
    const [page, total] = await Promise.all([
      readPage(pool, table, { ...request, filter, cursor: request.cursor }).catch((error: unknown) => {
        if (!(error instanceof InvalidCursorError)) throw error;
        throw invalidRequest([`cursor: expected next_cursor of a page by ${request.sort}, got another text`]);
      }),
      totalOf(table.name, filter),
    ]);
    return listText(page, total);
  };
}

export function listText(
  { items, nextCursor }: { items: string; nextCursor: string | null },
  { total, isEstimate }: Total,
): JsonText {
  return new JsonText(
    `{"items":${items},"next_cursor":${JSON.stringify(nextCursor)},"total":${total},"total_is_estimate":${isEstimate}}`,
  );
}

export type ListReader = ReturnType<typeof createListReader>;
