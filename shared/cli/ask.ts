import { defineCommand } from "citty";
import { InvalidInputError } from "../errors.ts";
import { printableJson } from "../printable.ts";
import { API_ARGS, withApi } from "./api.ts";
import { printLine } from "./print.ts";
import { readInput } from "./read-input.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

export const ask = defineCommand({
  meta: {
    name: "api",
    description: "Ask the server for any path of its API; exit code 1 when it answers an error",
  },
  args: {
    path: { type: "positional", description: "as /api/stats; /docs lists them", required: true },
    method: { type: "string", description: METHODS.join(", "), default: "GET" },
    body: { type: "string", description: "JSON, a file with it, or -" },
    url: API_ARGS.url,
  },
  async run({ args }) {
    const { path, method, body } = args;
    if (!path.startsWith("/"))
      throw new InvalidInputError(`path: expected one such as /api/stats, got ${JSON.stringify(path)}`);
    if (!METHODS.includes(method))
      throw new InvalidInputError(`--method: expected ${METHODS.join(", ")}, got ${JSON.stringify(method)}`);
    const sent =
      body === undefined
        ? {}
        : { body: JSON.stringify(await readInput(body)), headers: { "content-type": "application/json" } };
    await withApi(args, async (api) => {
      const response = await api.fetch(path, { method, ...sent });
      printLine(readable(await response.text(), response.headers.get("content-type")));
      if (!response.ok) process.exitCode = 1;
    });
  },
});

/** JSON is indented; of what else there is, only what a terminal would obey is taken. */
function readable(text: string, contentType: string | null): string {
  const isJson = contentType?.startsWith("application/json") === true && text !== "";
  if (isJson) return printableJson(JSON.stringify(JSON.parse(text), null, 2));
  return contentType?.includes("json") ? printableJson(text.trimEnd()) : text.trimEnd();
}
