import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Journal } from "../../../../shared/crawl/local/journal.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "b9-journal-"));
  path = join(folder, "journal.jsonl");
});
afterEach(async () => rm(folder, { recursive: true }));

it("cuts off what is behind its last good line", async () => {
  await writeFile(path, "good\ntorn in its middle");
  const journal = await Journal.open(path, 5);
  await journal.write("next\n");
  await journal.close();
  expect(await readFile(path, "utf8")).toBe("good\nnext\n");
});

it("applies a step when its line is in the file, and not before", async () => {
  const journal = await Journal.open(path, 0);
  let isDecided = false;
  const step = journal.run({
    decide: () => {
      isDecided = true;
      return { lines: ["a\n", "b\n"], apply: () => readFile(path, "utf8") };
    },
  });
  expect(isDecided).toBe(false);
  expect(await step).toBe("a\nb\n");
  await journal.close();
});

it("decides together what comes together, but one after the other what is about one request", async () => {
  const journal = await Journal.open(path, 0);
  const applied: string[] = [];
  const run = (name: string, id?: string) =>
    journal.run({
      ...(id !== undefined && { id }),
      decide: () => ({ lines: [`${name} after ${applied.join()}\n`], apply: () => void applied.push(name) }),
    });
  await Promise.all([run("a", "x"), run("b", "y"), run("c"), run("d", "x"), run("e", "y")]);
  await journal.close();
  expect(await readFile(path, "utf8")).toBe("a after \nb after \nc after \nd after a,b,c\ne after a,b,c\n");
});

it("writes all that came before it is closed, more than one write takes too", async () => {
  const journal = await Journal.open(path, 0);
  const line = `${"ü".repeat(300_000)}\n`;
  const written = Array.from({ length: 20 }, (_, index) => journal.write(`${index}${line}`));
  await journal.close();
  await Promise.all(written);
  expect(await readFile(path, "utf8")).toBe(
    Array.from({ length: 20 }, (_, index) => `${index}${line}`).join(""),
  );
});
