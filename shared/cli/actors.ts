import { defineCommand } from "citty";
import { API_ARGS, withApi } from "./api.ts";
import { print, printJson } from "./print.ts";
import { formatTable, terminalWidth } from "./table.ts";

export const actors = defineCommand({
  meta: { name: "actors", description: "List the actors of the server" },
  args: API_ARGS,
  run: ({ args }) =>
    withApi(args, async ({ client }) => {
      const { items } = await client.actors().list();
      if (args.json) return printJson(items);
      const details = await Promise.all(items.map(({ id }) => client.actor(id).get()));
      const rows = items.map(({ name }, index) => {
        const { title = "", description = "" } = details[index] ?? {};
        return [name, title, description];
      });
      const options = { left: [1, 2], maxWidth: terminalWidth() };
      print(formatTable(["name", "title", "description"], rows, options));
    }),
});
