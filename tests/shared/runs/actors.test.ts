import { expect, it } from "vitest";
import { actorManifests, findActor, loadInputSchema } from "../../../shared/runs/actors.ts";

it("finds an actor by its folder's name, alone or behind anybody's", () => {
  for (const name of ["reddit", "~reddit", "me~reddit"]) expect(findActor(name)?.title).toBe("Reddit");
  for (const name of ["redd", "reddit~", "reddit~x", ""]) expect(findActor(name)).toBeUndefined();
});

it.each(actorManifests)("$name tells what a server must know of it", async (manifest) => {
  expect(manifest.datasets).toContain(manifest.primaryDataset);
  expect(manifest.inputSchema).toHaveProperty("properties");
  expect((await loadInputSchema(manifest)).safeParse(null).success).toBe(false);
});
