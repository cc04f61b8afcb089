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

  it("takes dates as texts, from a date picker", () => {
    const { properties } = JSON.parse(renderInputSchema(actor)) as {
      properties: Record<string, { type: string; editor: string; dateType: string; pattern: string }>;
    };
    const { type, editor, dateType, pattern } = properties["since"]!;
    expect({ type, editor, dateType }).toEqual({
      type: "string",
      editor: "datepicker",
      dateType: "absolute",
    });
    const matches = (date: string) => new RegExp(pattern).test(date);
    expect(["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"].every(matches)).toBe(true);
    expect(["yesterday", "2026", "3 days"].some(matches)).toBe(false);
  });
});
