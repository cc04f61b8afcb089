import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../shared/crawl/backoff.ts";
import type { Outcome } from "../../../shared/crawl/outcome.ts";
import { reactionTo } from "../../../shared/crawl/reaction.ts";

type NotOk = Exclude<Outcome, { kind: "ok" }>;
const random = () => 0;
const headers = {};
const gone: NotOk = {
  kind: "gone",
  status: 404,
  headers,
  reason: "not_found",
  availability: "not_found",
  body: null,
};
const throttled: NotOk = { kind: "throttled", status: 429, headers, retryAfterMs: null };
const unauthorized: NotOk = { kind: "unauthorized", status: 401, headers, reason: "Unauthorized" };
const blocked: NotOk = { kind: "blocked", status: 403, reason: "block page" };
const serverError: NotOk = { kind: "serverError", status: 503, reason: "503" };
const malformed: NotOk = { kind: "malformed", status: 200, reason: "truncated", preview: "{" };

describe("reactionTo", () => {
  it("fails at once for a fact about the target", () => {
    expect(reactionTo(gone, 0)).toEqual({ kind: "fail" });
  });

  it.each([throttled, unauthorized, blocked])("costs the request nothing: $kind", (outcome) => {
    expect(reactionTo(outcome, 0)).toMatchObject({ kind: "retry", counts: false });
  });

  it.each<NotOk>([
    { kind: "blocked", status: null, reason: "proxy host: refused", isCutOff: true },
    { kind: "blocked", status: null, reason: "proxy host: socket hang up" },
    { kind: "serverError", status: null, reason: "refused", isCutOff: true },
  ])("costs the request nothing that no connection came about, whatever did before: $reason", (outcome) => {
    const options = { wasProven: true, tokenWasProven: true };
    expect(reactionTo(outcome, 9, options)).toMatchObject({ kind: "retry", counts: false });
  });

  it("leaves a site that cannot be reached to the one that takes over from it", () => {
    const refused: NotOk = { kind: "serverError", status: null, reason: "refused", isCutOff: true };
    expect(reactionTo(refused, 4, { hasFallback: true })).toEqual({ kind: "fail" });
  });

  it("counts a 401 with a token that was accepted before", () => {
    const options = { tokenWasProven: true, random };
    expect(reactionTo(unauthorized, 0, options)).toMatchObject({ kind: "retry", counts: true });
    expect(reactionTo(unauthorized, 2, options)).toEqual({ kind: "fail" });
    expect(reactionTo(unauthorized, 1, { random })).toMatchObject({ kind: "retry", counts: true });
    expect(reactionTo(unauthorized, 2)).toEqual({ kind: "fail" });
  });

  it("counts a block of an identity that got through before, and lets others probe first", () => {
    const doubtMs = 3_000;
    const reaction = reactionTo(blocked, 0, { wasProven: true, random });
    expect(reaction).toMatchObject({ kind: "retry", counts: true });
    expect(reaction.kind === "retry" && reaction.delayMs).toBeGreaterThan(doubtMs);
    expect(reactionTo(blocked, 3, { wasProven: true })).toEqual({ kind: "fail" });
  });

  it("retries a server's trouble four times, later each time", () => {
    const reactions = [0, 1, 2, 3].map((retryCount) => reactionTo(serverError, retryCount, { random }));
    expect(reactions.map((reaction) => reaction.kind === "retry" && reaction.delayMs)).toEqual([
      1_000, 2_000, 4_000, 8_000,
    ]);
    expect(reactionTo(serverError, 4)).toEqual({ kind: "fail" });
  });

  it("retries a malformed answer three times", () => {
    expect(reactionTo(malformed, 2)).toMatchObject({ kind: "retry", counts: true });
    expect(reactionTo(malformed, 3)).toEqual({ kind: "fail" });
  });
});

describe("backoffMs", () => {
  it.each([
    { attempt: 1, retryAfterMs: null, expected: 2_000, why: "starts at the base" },
    { attempt: 4, retryAfterMs: null, expected: 16_000, why: "doubles per attempt" },
    { attempt: 40, retryAfterMs: null, expected: 60_000, why: "is capped" },
    { attempt: 1, retryAfterMs: 90_000, expected: 90_000, why: "honours a Retry-After beyond its own cap" },
    { attempt: 1, retryAfterMs: 7_200_000, expected: 3_600_000, why: "caps Retry-After at an hour" },
  ])("$why", ({ attempt, retryAfterMs, expected }) => {
    expect(backoffMs(attempt, retryAfterMs, { random })).toBe(expected);
  });

  it("adds up to a quarter of jitter", () => {
    expect(backoffMs(1, null, { random: () => 0.999 })).toBeGreaterThan(2_400);
  });
});
