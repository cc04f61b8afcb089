import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { actorFolder, loadActors, renderActorFiles, renderInputSchema } from "../../shared/actor-files.ts";

const actors = await loadActors();

describe.each(actors)("files of actor $name", (actor) => {
  it.each(Object.entries(renderActorFiles(actor)))("%s is what `make docs` writes", (file, text) => {
    expect(readFileSync(path.join(actorFolder(actor), file), "utf8")).toBe(text);
  });

  it("describes every input field", () => {
    const { properties } = JSON.parse(renderInputSchema(actor)) as {
      properties: Record<string, { description: string }>;
    };
    const undescribed = Object.entries(properties).filter(([, { description }]) => description === "");
    expect(undescribed).toEqual([]);
  });
});
