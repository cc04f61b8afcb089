import { defineCommand } from "citty";
import { startSandbox, type SandboxOptions } from "../../sandbox/sandbox.ts";
import { readConfig } from "../config.ts";
import { print, printJsonLine } from "./print.ts";
import { prove, readSandboxSecret } from "./sandbox-secret.ts";

export const sandbox = defineCommand({
  meta: { name: "sandbox", description: "Serve the stand-in world, on loopback only" },
  args: {
    port: { type: "string", description: "port; 0 picks a free one; default: SANDBOX_PORT" },
    "time-scale": { type: "string", description: "virtual seconds a second; default: SANDBOX_TIME_SCALE" },
    options: { type: "string", description: "all options of startSandbox (sandbox/sandbox.ts) as JSON" },
    attached: { type: "boolean", description: "end when standard input closes", default: false },
    json: {
      type: "boolean",
      description: "print the settings that point a crawl at it as one line of JSON",
      default: false,
    },
  },
  async run({ args }) {
    const config = readConfig({
      ...process.env,
      ...(args.port && { SANDBOX_PORT: args.port }),
      ...(args["time-scale"] && { SANDBOX_TIME_SCALE: args["time-scale"] }),
    });
    const secret = await readSandboxSecret();
    const world = await startSandbox({
      ...(secret !== null && { prove: (text: string) => prove(secret, text) }),
      port: config.sandboxPort,
      timeScale: config.sandboxTimeScale,
      ...(args.options !== undefined && (JSON.parse(args.options) as SandboxOptions)),
    });
    const stop = () => void world.close().then(() => process.exit(0));
    process.once("SIGTERM", stop).once("SIGINT", stop);
    if (args.attached) process.stdin.once("end", stop).once("close", stop).resume();
    const { url, env, identities } = world;
    if (args.json) printJsonLine({ url, env, identities });
    else print(describe(url, env));
  },
});

function describe(url: string, env: Record<string, string>): string {
  const settings = Object.entries(env).map(([name, value]) => `  ${name}=${value}`);
  return [
    `The stand-in world listens on ${url} (Ctrl+C ends it)`,
    `  ${url}/_sandbox/truth   what a perfect crawl finds`,
    `  ${url}/_sandbox/log     every request it got`,
    "",
    "./b9 crawl reddit --sandbox and ./b9 crawl instagram --sandbox join it; other clients reach it with",
    ...settings,
    "",
  ].join("\n");
}
