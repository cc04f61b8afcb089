import { defineCommand } from "citty";
import { readConfig } from "../config.ts";
import { serve } from "./serve.ts";

export const server = defineCommand({
  meta: {
    name: "server",
    description: "Serve the HTTP API at HOST and PORT, with a worker inside unless WORKERS is 0",
  },
  run: () => serve(readConfig()),
});
