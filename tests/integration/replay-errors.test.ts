import { expect, it } from "vitest";
import { describeRecorded } from "../actors/reddit/recordings.ts";
import { recorded, type Recorded } from "./replay-recordings.ts";
import { json, recordedAnswer, type Answer } from "./replay-server.ts";
import { crawlWorld } from "./replay-world.ts";

/** What a recorded error is, by the table of Reddit's errors. */
function expectedOutcome({ response }: Recorded) {
  const { status, body, bodyIsJson } = response;
  if (status >= 500) return { outcome: "serverError", status };
  if (status === 401) return { outcome: "unauthorized", status };
  if (!bodyIsJson && [200, 403].includes(status)) return { outcome: "blocked", status };
  const { reason } = (bodyIsJson ? body : {}) as { reason?: string };
  const stated = ["private", "quarantined", "gated", "banned"].find(
    (availability) => availability === reason,
  );
  const availability = stated ?? (status === 404 ? "not_found" : undefined);
  return { outcome: "gone", status, availability };
}

const errors = recorded("errors", "errors_quoted", "redirects")
  .filter(({ response }) => response.status !== 200 || !response.bodyIsJson)
  .map((recording, index) => ({ recording, name: `e${index}x`, expected: expectedOutcome(recording) }));
/** Retried for half a minute; and the subreddits of a chain are read one after the other, so there is one in each. */
const isSlow = ({ expected }: (typeof errors)[number]) => expected.status >= 500;
const isOurs = ({ expected }: (typeof errors)[number]) => expected.outcome === "blocked";

describeRecorded("errors", () => {
  it("are what they are, wherever they come, and touch nothing else", async () => {
    const slow = errors.filter(isSlow);
    const quick = errors.filter((error) => !isSlow(error) && error.expected.outcome === "gone");
    const targets = slow
      .flatMap((error, index) => [error, ...quick.slice(4 * index, 4 * index + 4)])
      .concat(quick.slice(4 * slow.length));
    const byName = new Map(targets.map(({ name, recording }) => [name, recording]));
    const { exitCode, of } = await crawlWorld(
      {
        subreddits: [...targets.map(({ name }) => name), "fine"],
        users: [...targets.map(({ name }) => name), "fine"],
        listings: [{ sort: "hot" }],
      },
      ({ pathname }) => {
        const recording = byName.get(pathname.split("/")[2]!);
        return recording && recordedAnswer(recording);
      },
    );
    expect(exitCode).toBe(0);
    const failed = await of("failed_requests");
    for (const { name, expected, recording } of targets) {
      for (const path of [`/r/${name}/about`, `/r/${name}/hot`, `/user/${name}/about`]) {
        const [item] = failed.filter(({ url }) => new URL(String(url)).pathname === path);
        const { availability: _, ...outcome } = expected;
        expect({ ...item, from: recording.name, path }).toMatchObject({
          ...outcome,
          from: recording.name,
          path,
        });
      }
      const ofName = async (dataset: string, key: string) =>
        (await of(dataset)).filter((item) => item[key] === name);
      const stated = expected.availability ? [{ availability: expected.availability }] : [];
      const inTables = [await ofName("reddit_subreddits", "name"), await ofName("reddit_users", "username")];
      expect([recording.name, ...inTables]).toMatchObject([recording.name, stated, stated]);
    }
    expect(await of("reddit_posts")).toMatchObject([{ reddit_id: "finehot" }]);
    expect((await of("reddit_subreddits")).filter(({ name }) => name === "fine")).toMatchObject([
      { availability: "ok" },
    ]);
    expect((await of("reddit_users")).filter(({ username }) => username === "fine")).toHaveLength(1);
  }, 180_000);

  it("a block page of some targets is their failure, and the others arrive", async () => {
    const pages = errors.filter(isOurs).map(({ recording }) => recordedAnswer(recording));
    const { exitCode, of } = await crawlWorld(
      { subreddits: Array.from({ length: 12 }, (_, index) => `sub${index}`), listings: [{ sort: "hot" }] },
      ({ pathname }) => pages[["/r/sub1/hot", "/r/sub3/about", "/r/sub7/hot"].indexOf(pathname)],
    );
    expect(exitCode).toBe(0);
    expect(await of("failed_requests")).toMatchObject(pages.map(() => ({ outcome: "blocked", attempts: 4 })));
    expect(await of("reddit_posts")).toHaveLength(10);
    const subreddits = await of("reddit_subreddits");
    expect(subreddits.map(({ availability }) => availability)).toEqual(Array(11).fill("ok"));
  }, 180_000);

  it("a target that always answers 401 is its own failure, and the others arrive", async () => {
    const [refused] = errors.filter(({ expected }) => expected.outcome === "unauthorized");
    const { exitCode, of } = await crawlWorld(
      { subreddits: ["one", "two"], users: ["three"] },
      ({ pathname }) => (pathname === "/r/one/about" ? recordedAnswer(refused!.recording) : undefined),
    );
    expect(exitCode).toBe(0);
    expect(await of("failed_requests")).toMatchObject([
      { outcome: "unauthorized", status: 401, subject: "r/one" },
    ]);
    expect(await of("reddit_subreddits")).toMatchObject([{ name: "two" }]);
    expect(await of("reddit_users")).toMatchObject([{ username: "three" }]);
  });

  it.each<[string, Answer]>([
    ...errors
      .filter(isOurs)
      .map(({ recording }): [string, Answer] => [recording.name, recordedAnswer(recording)]),
    ["401 in JSON", json(401, { message: "Unauthorized", error: 401 })],
    ["401 in HTML", { status: 401, headers: { "content-type": "text/html" }, body: "<html><title>401" }],
    ["429 in JSON", json(429, { message: "Too Many Requests", error: 429 })],
    ["429 in HTML", { status: 429, headers: { "retry-after": "600" }, body: "<title>whoa there, pardner!" }],
  ])("%s for ever ends the run soon, and no target is marked", async (_, answer) => {
    const { exitCode, of, tookSecs } = await crawlWorld(
      { subreddits: ["one", "two"], users: ["three"] },
      ({ pathname }) => (pathname === "/token" ? undefined : answer),
      { MAX_STALL_SECS: "5" },
    );
    expect(exitCode).toBe(1);
    expect(tookSecs).toBeLessThan(20);
    for (const dataset of ["failed_requests", "reddit_subreddits", "reddit_users"])
      expect(await of(dataset)).toEqual([]);
  });
});
