import { defineCommand } from "citty";
import type { Schedule } from "apify-client";
import { InvalidInputError } from "../errors.ts";
import { API_ARGS, type Api, withApi } from "./api.ts";
import { print, printJson } from "./print.ts";
import { formatTime } from "./run-format.ts";
import { formatTable, terminalWidth } from "./table.ts";

const ACTIONS = ["list", "enable", "disable"];

export const schedules = defineCommand({
  meta: { name: "schedules", description: "List the schedules of the server, or switch one on or off" },
  args: {
    action: { type: "positional", description: ACTIONS.join(", "), required: false, default: "list" },
    name: { type: "positional", description: "of the schedule, or its id", required: false },
    ...API_ARGS,
  },
  async run({ args }) {
    const { action, name } = args;
    if (!ACTIONS.includes(action))
      throw new InvalidInputError(`expected ${ACTIONS.join(", ")}, got ${JSON.stringify(action)}`);
    await withApi(args, async (api) => {
      if (action !== "list") await switchSchedule(api, name, action === "enable");
      const { items } = await api.client.schedules().list({ limit: 1000 });
      if (args.json) return printJson(items);
      const rows = items.map(({ name: title, cronExpression, timezone, isEnabled, lastRunAt, nextRunAt }) => [
        title,
        isEnabled ? "on" : "off",
        cronExpression,
        timezone,
        lastRunAt ? formatTime(new Date(lastRunAt)) : "–",
        isEnabled && nextRunAt ? formatTime(new Date(nextRunAt)) : "–",
      ]);
      const head = ["name", "state", "cron", "time zone", "last (UTC)", "next (UTC)"];
      print(formatTable(head, rows, { left: [1, 2, 3, 4, 5], maxWidth: terminalWidth() }));
    });
  },
});

/** @throws {InvalidInputError} naming the schedules that there are */
async function switchSchedule({ client }: Api, name: string | undefined, isEnabled: boolean): Promise<void> {
  const { items } = await client.schedules().list({ limit: 1000 });
  const schedule = items.find((one: Pick<Schedule, "id" | "name">) => one.id === name || one.name === name);
  if (!schedule) {
    const names = items.map((one) => one.name).join(", ") || "none";
    throw new InvalidInputError(
      `expected the name of a schedule, got ${JSON.stringify(name ?? "")}; there are: ${names}`,
    );
  }
  await client.schedule(schedule.id).update({ isEnabled });
}
