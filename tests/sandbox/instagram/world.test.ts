import { expect, it } from "vitest";
import { MAX_CREATORS } from "../../../sandbox/instagram/media-ids.ts";
import { mediaCount, mediumAt, sentLikes, takenAt } from "../../../sandbox/instagram/media.ts";
import {
  type CreatorState,
  creatorAt,
  creatorById,
  creatorByName,
  creatorState,
  relatedIndexes,
} from "../../../sandbox/instagram/world.ts";
import { DAY, START, instagramWorld } from "./worlds.ts";

const world = instagramWorld();
const everybody = Array.from({ length: MAX_CREATORS }, (_, index) => creatorAt(world, index, START));

it("finds everybody by name and id again, and the missing by neither", () => {
  for (const { index, id, username, state } of everybody) {
    const found = state === "missing" ? undefined : index;
    expect(creatorByName(world, username.toUpperCase(), START)?.index).toBe(found);
    expect(creatorById(world, id, START)?.index).toBe(found);
  }
  expect(new Set(everybody.map(({ id }) => id)).size).toBe(MAX_CREATORS);
  for (const name of ["", "nobody", "quiet.otter.1", "quiet.otter.00", "8192"])
    expect(creatorByName(world, name, START)).toBeNull();
  for (const id of ["0", "", "3171068", "-1", "x"]) expect(creatorById(world, id, START)).toBeNull();
});

it("has names that Instagram allows, and one creator of each special kind in twenty", () => {
  for (const { username } of everybody) expect(username).toMatch(/^(?!\.)(?!.*\.\.)[a-z\d._]{1,30}(?<!\.)$/);
  const states = everybody.slice(0, 20).map(({ state }) => state);
  const special: CreatorState[] = ["private", "age_restricted", "gated", "missing", "login_required"];
  for (const state of special) expect(states.filter((one) => one === state)).toHaveLength(1);
  expect(everybody.slice(0, 20).some(({ id }) => BigInt(id) > 2n ** 53n)).toBe(true);
});

it("shows eighty others beside most creators, each once", () => {
  for (const { index } of everybody.slice(0, 200)) {
    const related = relatedIndexes(world, index);
    expect(related).toHaveLength(index % 8 === 6 ? 0 : 80);
    expect(new Set(related).size).toBe(related.length);
    expect(related).not.toContain(index);
  }
});

it("orders media in time, none before its time", () => {
  const growing = instagramWorld({ growth: 2 });
  for (const at of [START, START + DAY, START + 40 * DAY]) {
    for (let index = 0; index < 20; index++) {
      const count = mediaCount(growing, index, at);
      const times = Array.from({ length: count }, (_, ordinal) => takenAt(growing, index, ordinal));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times.at(-1) ?? 0).toBeLessThanOrEqual(at);
    }
  }
});

it("grows: followers, media, counts; and one in twenty changes its name", () => {
  const growing = instagramWorld({ growth: 1 });
  const later = START + 9 * DAY;
  const [before, after] = [creatorAt(growing, 0, START), creatorAt(growing, 0, later)];
  expect(after.followers).toBeGreaterThan(before.followers);
  expect(creatorAt(growing, 4, later).followers).toBeLessThan(creatorAt(growing, 4, START).followers);
  const count = mediaCount(growing, 0, START);
  expect(mediaCount(growing, 0, later)).toBeGreaterThan(count);
  const newest = (at: number) => mediumAt(growing, before, count - 1, at).likes;
  expect(newest(later)).toBeGreaterThan(newest(START));

  const [old, renamed] = [creatorAt(growing, 11, START), creatorAt(growing, 11, later)];
  expect(renamed).toMatchObject({ id: old.id, username: "the.real.11", previousUsernames: [old.username] });
  expect(creatorByName(growing, old.username, later)).toBeNull();
  expect(creatorByName(growing, "the.real.11", later)?.id).toBe(old.id);
  expect(creatorAt(world, 11, later).username).toBe(old.username);
});

it("hides likes in each way that sites have, and has real threes", () => {
  const media = Array.from({ length: 60 }, (_, index) => index)
    .filter((index) => creatorState(index) === "ok")
    .flatMap((index) =>
      Array.from({ length: mediaCount(world, index, START) }, (_, ordinal) =>
        mediumAt(world, creatorAt(world, index, START), ordinal, START),
      ),
    );
  const seen = new Set(media.map((medium) => `${medium.likeDisplay} ${Math.min(4, sentLikes(medium))}`));
  for (const way of ["flag_negative -1", "flag_three 3", "negative -1", "three 3", "shown 4", "shown 3"])
    expect(seen).toContain(way);
  const forms = new Set(media.map(({ form }) => form));
  expect(forms).toEqual(new Set(["photo", "carousel", "video", "reel"]));
  for (const has of [
    media.some(({ coauthors }) => coauthors.length > 0),
    media.some(({ tagged }) => tagged.length > 1),
    media.some(({ isPaidPartnership }) => isPaidPartnership),
    media.some(({ caption }) => caption === null),
    media.some(({ audio }) => audio?.kind === "music"),
    media.some(({ audio }) => audio?.kind === "original"),
    media.some(({ plays }) => plays?.playCount === null),
    media.some(({ commentsDisabled }) => commentsDisabled),
    media.some(({ children }) => children.some((child) => child.isVideo)),
  ])
    expect(has).toBe(true);
});
