import { mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { makeFolder } from "../../shared/make-folder.ts";
import { assertStorageDir } from "../../shared/storage-dir.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "b9-folders-"));
symlinkSync("nowhere", path.join(root, "dead"));
symlinkSync("loop", path.join(root, "loop"));
writeFileSync(path.join(root, "file"), "");

it("makes a folder and those above it, and says which was the first", async () => {
  expect(await makeFolder(path.join(root, "a/b/c"))).toBe(path.join(root, "a"));
  expect(await makeFolder(path.join(root, "a/b/c"))).toBeNull();
  expect(statSync(path.join(root, "a/b/c")).isDirectory()).toBe(true);
  expect(await makeFolder("/")).toBeNull();
  symlinkSync("a", path.join(root, "link"));
  expect(await makeFolder(path.join(root, "link/b/d"))).toBe(path.join(root, "link/b/d"));
});

it.each([
  ["a link to nothing", path.join(root, "dead")],
  ["below one", path.join(root, "dead/x/y")],
  ["a link to itself", path.join(root, "loop")],
  ["a file", path.join(root, "file")],
  ["below a file", path.join(root, "file/x")],
  ["a name that is too long", path.join(root, "x".repeat(300))],
  ["where no folder can be", "/proc/b9"],
  ["below that", "/proc/b9/x/y"],
  ["a folder that takes no file", "/proc"],
])("a storage folder that cannot be is refused at once: %s", async (_, folder) => {
  await expect(assertStorageDir(folder)).rejects.toThrow(`STORAGE_DIR ${folder} cannot be used: `);
});
