import type { H3Event } from "h3";
import type { Pool } from "pg";
import { z } from "zod";
import { DELIMITER, isDelimiter } from "../../../shared/csv.ts";
import { InvalidInputError } from "../../../shared/errors.ts";
import type { Dataset } from "../../../shared/runs/storages/datasets.ts";
import {
  CONTENT_TYPES,
  formatItems,
  formatTexts,
  type ItemFormat,
} from "../../../shared/runs/storages/item-formats.ts";
import { type ItemTransforms, transformPages } from "../../../shared/runs/storages/item-transforms.ts";
import { openWindow, readItemTexts, readSizedItems } from "../../../shared/runs/storages/read-items.ts";
import { ApiError } from "../../http/api-error.ts";
import { flag, int } from "../../http/query.ts";
import { Reply } from "../../http/reply.ts";
import { toStream } from "./streams.ts";
import { names, offset } from "./wire.ts";

const FORMATS = Object.keys(CONTENT_TYPES) as ItemFormat[];

export const ITEM_ORDER =
  "First offset, limit and desc choose among the stored items; then come unwind, flatten, fields, omit, skipHidden, skipEmpty and outputFields, in this order.";

export const ItemQuery = z
  .object({
    format: z.enum(FORMATS).default("json"),
    offset,
    limit: int(0, Number.MAX_SAFE_INTEGER).optional().describe("None, or 0: all items"),
    desc: flag().default(false),
    unwind: names(100).optional().describe("An item may become up to 100,000"),
    flatten: names().optional(),
    fields: names().optional().describe("Kept, in this order"),
    omit: names().optional(),
    clean: flag().default(false).describe("skipHidden and skipEmpty"),
    skipHidden: flag().optional(),
    skipEmpty: flag().optional(),
    outputFields: names().optional().describe("New names of fields, one each"),
    view: z.never({ error: "nothing: datasets have no views here" }).optional(),
    bom: flag().optional().describe("Of csv it is the default"),
    delimiter: z.string().refine(isDelimiter, { error: DELIMITER }).optional(),
    raw: flag()
      .default(false)
      .describe("csv without the apostrophe before texts that a spreadsheet would take for formulas"),
    skipHeaderRow: flag().default(false),
    attachment: flag().default(false),
  })
  .refine(({ outputFields, fields }) => !outputFields || outputFields.length === fields?.length, {
    path: ["outputFields"],
    error: "as many names as fields has",
  });

/** What Apify answers for no limit. */
const NO_LIMIT = 999_999_999_999;

/** Streamed: a dataset may have millions of items. */
export async function answerItems(
  pool: Pool,
  dataset: Dataset,
  query: z.output<typeof ItemQuery>,
  event: H3Event,
): Promise<Reply> {
  const { format, offset: from, desc } = query;
  // Parameters without a value are left out elsewhere; cells without a delimiter were hardly meant.
  if (event.url.searchParams.get("delimiter") === "")
    throw new ApiError(400, "INVALID_PARAMETER", `delimiter: expected ${DELIMITER}, got nothing`);
  const limit = query.limit || null;
  const total = dataset.itemCount;
  const headers = {
    "content-type": CONTENT_TYPES[format],
    "cache-control": "private, no-cache",
    "x-apify-pagination-total": String(total),
    "x-apify-pagination-offset": String(from),
    "x-apify-pagination-limit": String(limit ?? NO_LIMIT),
    "x-apify-pagination-count": String(Math.max(0, Math.min(limit ?? Infinity, total - from))),
    "x-apify-pagination-desc": String(desc),
    ...(query.attachment && {
      "content-disposition": `attachment; filename="${dataset.runId}-${dataset.name}.${format}"`,
    }),
  };
  if (event.req.method === "HEAD") return new Reply(null, { headers });

  const window = await openWindow(pool, dataset, { offset: from, limit, desc });
  const transforms = toTransforms(query);
  if (format !== "csv" && !transforms)
    return new Reply(toStream(formatTexts(format, readItemTexts(pool, window), query)), { headers });
  const { signal } = event.req;
  const pages = () =>
    transformPages(whileWanted(readSizedItems(pool, window), signal), transforms ?? NOTHING);
  try {
    const text = await formatItems(format, pages, {
      columns: query.outputFields ?? query.fields ?? null,
      bom: query.bom,
      delimiter: query.delimiter,
      raw: query.raw,
      skipHeaderRow: query.skipHeaderRow,
    });
    return new Reply(toStream(await started(text)), { headers });
  } catch (error) {
    if (error instanceof InvalidInputError)
      throw new ApiError(400, "INVALID_PARAMETER", error.message, { cause: error });
    throw error;
  }
}

/** Columns are collected before anything is sent: nobody else would notice that the client has gone. */
async function* whileWanted<Page>(pages: AsyncIterable<Page>, signal: AbortSignal): AsyncGenerator<Page> {
  for await (const page of pages) {
    if (signal.aborted) throw new ApiError(400, "INVALID_REQUEST", "the client has gone");
    yield page;
  }
}

/** What is wrong with the first item is told by the status. */
async function started(text: AsyncGenerator<string>): Promise<AsyncGenerator<string>> {
  const first = await text.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* text;
  })();
}

const NOTHING: ItemTransforms = {
  unwind: [],
  flatten: [],
  fields: null,
  omit: [],
  skipHidden: false,
  skipEmpty: false,
  outputFields: null,
};

/** `null`: items are to come as they are stored. */
function toTransforms(query: z.output<typeof ItemQuery>): ItemTransforms | null {
  const { unwind, flatten, fields, omit, outputFields, clean } = query;
  const { skipHidden = clean, skipEmpty = clean } = query;
  if (!unwind && !flatten && !fields && !omit && !outputFields && !skipHidden && !skipEmpty) return null;
  return {
    unwind: unwind ?? [],
    flatten: flatten ?? [],
    fields: fields ?? null,
    omit: omit ?? [],
    skipHidden,
    skipEmpty,
    outputFields: outputFields ?? null,
  };
}
