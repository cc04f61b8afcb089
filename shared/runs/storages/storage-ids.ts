import { DATASETS } from "../../datasets.ts";

/** A dataset of a run as an id names it. */
export interface DatasetAddress {
  runId: string;
  /** `null`: the run's default dataset, its actor's primary one. */
  dataset: string | null;
}

/** Id of a run's dataset on the wire. Its key-value store and its request queue have the run's own id. */
export function datasetId(runId: string, dataset: string): string {
  return `${runId}-${dataset}`;
}

/** The run's id alone stands for its default dataset. Ids of runs may have hyphens, names of datasets have none. */
export function parseDatasetId(id: string): DatasetAddress {
  const split = id.lastIndexOf("-");
  const dataset = id.slice(split + 1);
  if (split < 1 || !Object.hasOwn(DATASETS, dataset)) return { runId: id, dataset: null };
  return { runId: id.slice(0, split), dataset };
}
