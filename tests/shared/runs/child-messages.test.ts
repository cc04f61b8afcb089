import { expect, it } from "vitest";
import { readFromChild } from "../../../shared/runs/child-messages.ts";

it("reads what the process of a run tells of its progress and its end", () => {
  const progress = { type: "progress", progress: { requestsFinished: 3, perLabel: { PAGE: 3 } } };
  expect(readFromChild(progress)).toEqual(progress);
  const result = { type: "result", status: "SUCCEEDED", message: "all requests are done" };
  expect(readFromChild(result)).toEqual(result);
  expect(readFromChild({ ...result, message: "x".repeat(1e6) })).toMatchObject({
    message: "x".repeat(65_536),
  });
});

it("takes nothing else for a message", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  let deep: unknown = {};
  for (let n = 0; n < 50_000; n++) deep = [deep];
  for (const raw of [
    "ready",
    null,
    undefined,
    7,
    [],
    {},
    { type: "result" },
    { type: "result", status: "DONE", message: "" },
    { type: "result", status: "FAILED", message: { toString: 1 } },
    { type: "progress" },
    { type: "progress", progress: null },
    { type: "progress", progress: { at: new Date() } },
    { type: "progress", progress: { n: NaN } },
    { type: "progress", progress: { n: 1n } },
    { type: "progress", progress: { text: "x".repeat(1e6) } },
    { type: "progress", progress: circular },
    { type: "progress", progress: { deep } },
  ])
    expect(readFromChild(raw)).toBeNull();
});
