import { expect, it } from "vitest";
import { datasetId, parseDatasetId } from "../../../../shared/runs/storages/storage-ids.ts";

it("splits the dataset's name from the run's id", () => {
  expect(parseDatasetId(datasetId("abc", "reddit_users"))).toEqual({ runId: "abc", dataset: "reddit_users" });
  expect(parseDatasetId("my-run-2-failed_requests")).toEqual({
    runId: "my-run-2",
    dataset: "failed_requests",
  });
});

it("takes an id without a dataset's name for the run's default dataset", () => {
  for (const id of ["abc", "my-run-2", "my-constructor", "-reddit_users"])
    expect(parseDatasetId(id)).toEqual({ runId: id, dataset: null });
});
