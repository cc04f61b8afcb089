import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import path from "node:path";
import { expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import lock from "../package-lock.json" with { type: "json" };

interface LockEntry {
  integrity?: string;
  resolved?: string;
  link?: boolean;
  inBundle?: boolean;
  hasInstallScript?: boolean;
}

const ROOT = path.resolve(import.meta.dirname, "..");
const PRODUCT = "{actors,server,shared,sandbox}/**/*.ts";

const { dependencies, devDependencies, overrides, allowScripts } = packageJson;
const entries = Object.entries(lock.packages as Record<string, LockEntry>).filter(([place]) => place !== "");

const read = (file: string) => readFileSync(path.join(ROOT, file), "utf8");

/** Names of packages that files load. */
function importedBy(pattern: string): Set<string> {
  const code = globSync(pattern, { cwd: ROOT, exclude: ["node_modules/**"] }).map(read);
  const names = code.flatMap((text) =>
    [...text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\bresolve\()\s*"([^".$][^"$]*)"/g)].map(
      ([, name]) => name!,
    ),
  );
  const packages = names
    .filter((name) => !isBuiltin(name))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)![0]);
  return new Set(packages);
}

it("every package of the lock has its hash, and none an address", () => {
  // What comes within another's archive is covered by that one's hash.
  const unsure = entries.filter(([, { integrity, link, inBundle }]) => !integrity && !link && !inBundle);
  expect(unsure.map(([place]) => place)).toEqual([]);
  expect(entries.filter(([, { resolved, link }]) => resolved && !link)).toEqual([]);
});

it("versions are exact", () => {
  const versions = Object.values({ ...dependencies, ...devDependencies, ...overrides });
  expect(
    versions.filter((version) => !/^(?:npm:(?:@[\w-]+\/)?[\w-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version)),
  ).toEqual([]);
});

it("install scripts may run for each package that needs one, whatever the machine", () => {
  const scripts = entries.filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = scripts.map(([place]) => place.replace(/^.*node_modules\//, ""));
  expect(Object.keys(allowScripts).sort()).toEqual(names.sort());
  expect(new Set(Object.values(allowScripts))).toEqual(new Set([true]));
});

it("the project's own Node is installed without the tools of development too", () => {
  expect(dependencies.node).toMatch(/^24\./);
  expect(lock.packages["node_modules/node"]).not.toHaveProperty("dev");
});

it("what the product imports is a dependency, and not one of development", () => {
  const missing = [...importedBy(PRODUCT)].filter((name) => !Object.hasOwn(dependencies, name));
  expect(missing).toEqual([]);
});

it("every dependency is used", () => {
  const imported = importedBy("{actors,server,shared,sandbox,bench,tests}/**/*.ts").union(importedBy("*.ts"));
  const named = ["Makefile", "b9", "tsconfig.json", "shared/db/generate-types.ts"].map(read).join("\n");
  const isUsed = (name: string): boolean => {
    const typed = /^@types\/(.+)$/.exec(name)?.[1];
    if (typed !== undefined) return typed === "node" || isUsed(typed);
    // The compiler's command has another name.
    const command = name === "typescript" ? "tsc" : name;
    return imported.has(name) || new RegExp(`(?<![\\w-])${command}(?![\\w-])`).test(named);
  };
  const unused = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !isUsed(name));
  expect(unused).toEqual([]);
});
