import { defineCommand } from "citty";
import { type Config, readConfig } from "../config.ts";
import { print, printJsonLine } from "./print.ts";
import { useSandbox } from "./sandbox-process.ts";
import { serve } from "./serve.ts";

export const up = defineCommand({
  meta: { name: "up", description: "Everything on this machine: server, worker, database; Ctrl+C ends it" },
  args: {
    sandbox: {
      type: "boolean",
      description: "let actors crawl the stand-in world: joins a running one, or starts it",
      default: false,
    },
    json: { type: "boolean", description: "print its address as one line of JSON", default: false },
    attached: { type: "boolean", description: "end when standard input closes", default: false },
  },
  async run({ args }) {
    const world = args.sandbox ? await useSandbox(readConfig()) : null;
    try {
      const config = readConfig({ ...process.env, ...world?.env });
      if (args.attached) process.stdin.once("close", () => process.emit("SIGTERM")).resume();
      await serve(config, (url) =>
        args.json ? printJsonLine({ url }) : print(describe(url, config, world?.url)),
      );
    } finally {
      // Listened to, it would keep this process for as long as its parent lives.
      process.stdin.pause();
      await world?.leave();
    }
  },
});

function describe(url: string, config: Config, sandbox: string | undefined): string {
  const { workers, apiToken } = config;
  const access =
    apiToken === undefined
      ? "open to this machine alone; API_TOKEN or b9 token create lets others in"
      : "takes API_TOKEN, and tokens of b9 token create";
  const rows: [string, string][] = [
    ["API", `${url}: ${access}`],
    ["Reference", `${url}/docs`],
    ["Worker", workers === 0 ? "none here: WORKERS is 0" : `${workers} runs at a time`],
    ...(sandbox ? [["Sites", `the stand-in world at ${sandbox}`] as [string, string]] : []),
    ["Launch", `./b9 run reddit --input '{"subreddits": ["${sandbox ? "Woodworking" : "node"}"]}'`],
  ];
  return `\n${rows.map(([title, text]) => `  ${title.padEnd(9)}  ${text}`).join("\n")}\n\n`;
}
