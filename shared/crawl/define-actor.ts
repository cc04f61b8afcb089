import type { z } from "zod";
import type { DatasetName } from "../datasets.ts";
import type { Config } from "../config.ts";
import type { IdentitySpec } from "./identities-file.ts";
import type { Router } from "./router.ts";
import type { Item, NewRequest } from "./run-storage.ts";
import type { Site } from "./site.ts";

/** What a run needs of its worker: nothing but HTTP, a browser, or programs for media. */
export type WorkerClass = "http" | "browser" | "media";

/** Where work that is due comes from. */
export interface DueSource {
  /** SQL function (max, run_id) that leases up to `max` pieces of work to the run and returns them: text or jsonb. */
  select: string;
  /** The input's list that takes them. */
  into: string;
}

/** What the kit needs to run an actor: the whole of it, as data. */
export interface ActorDefinition<Schema extends z.ZodType = z.ZodType> {
  /** The folder's name. */
  name: string;
  title: string;
  description: string;
  /** The run input's only definition: types, bounds, defaults. */
  input: Schema;
  router: Router;
  /**
   * Version of the requests that it writes: raised when `userData` means something else in a shape that fits both. A
   * queue of another version, or one whose requests do not fit, is left as it is.
   * @default 1
   */
  requestVersion?: number;
  /** The first requests, the same ones for the same input: a resumed crawl adds them again. */
  startRequests(input: z.output<Schema>, config: Config): NewRequest[];
  /** The run's default dataset. */
  primaryDataset: DatasetName;
  /** Every dataset it pushes to, `failed_requests` aside. */
  datasets: readonly DatasetName[];
  /** Requests that an input takes, roughly, before anything is known. */
  estimateRequests?(input: z.output<Schema>): number;
  /** What the summary counts by: the subreddit of a request, say; `null` for a request about no single one. */
  subjectOf?(request: { userData: Record<string, unknown> }): string | null;
  /** Subjects that an input asks for, by what they are called: `{"creators": ["@nasa"]}`. */
  targets?(input: z.output<Schema>): Record<string, string[]>;
  /** What the run stored about each subject; called once, at its end. */
  countBySubject?(
    read: (dataset: DatasetName) => AsyncIterable<Item>,
  ): Promise<Record<string, Record<string, number>>>;
  /** How the input `{"due": n}` of a managed run is expanded. */
  due?: DueSource;
  /** Which workers may take its runs. @default "http" */
  class?: WorkerClass;
  /** What a run gets unless its launch says otherwise; `timeoutSecs` 0: no limit. */
  resources: { memoryMbytes: number; timeoutSecs: number; maxConcurrency: number };
  /**
   * The site and the identities that an input is crawled with. Where there are `fallbacks`, each request is the site's
   * that serves its URL; one that fails is the actor's to ask for elsewhere.
   * @throws {InvalidInputError} when a setting is missing
   */
  site(config: Config, input: z.output<Schema>): SiteAccess & { fallbacks?: SiteAccess[] };
}

/** A site, and as whom it is asked. */
export interface SiteAccess {
  site: Site;
  identities: IdentitySpec[];
}

export function defineActor<Schema extends z.ZodType>(
  actor: ActorDefinition<Schema>,
): ActorDefinition<Schema> {
  return actor;
}
