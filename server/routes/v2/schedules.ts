import type { H3 } from "h3";
import { z } from "zod";
import { readNow } from "../../../shared/db/clock.ts";
import {
  InvalidScheduleError,
  ScheduleNameTakenError,
  ShippedScheduleError,
} from "../../../shared/schedules/errors.ts";
import {
  createSchedule,
  findSchedule,
  listSchedules,
  readScheduleLog,
  removeSchedule,
  updateSchedule,
} from "../../../shared/schedules/schedules.ts";
import { ApiError, notFound } from "../../http/api-error.ts";
import { Reply } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import { createInputChecker } from "../../run-input.ts";
import type { Services } from "../../services.ts";
import {
  ScheduleCreation,
  ScheduleObject,
  ScheduleUpdate,
  toScheduleObject,
  toSettings,
} from "./schedule-object.ts";
import { date, envelope, listOf, paging, toList } from "./wire.ts";

const tag = "Schedules";
const path = "/v2/schedules/:scheduleId";
const errors = {
  400: "the time, the time zone, the actor or its input will not do: the message says which and why",
  409: "another schedule has the name",
};

export function addSchedules(app: H3, services: Services): void {
  const { database } = services;
  const checker = createInputChecker(services);
  route(app, {
    method: "GET",
    path: "/v2/schedules",
    scope: "read",
    tag,
    summary: "All schedules, in the order of their creation",
    query: z.object(paging),
    response: listOf(ScheduleObject),
    handler: async ({ query }) => {
      const { items, total } = await listSchedules(database, query);
      const now = await readNow(database.pool);
      return toList(
        items.map((schedule) => toScheduleObject(schedule, now)),
        total,
        query,
      );
    },
  });
  route(app, {
    method: "POST",
    path: "/v2/schedules",
    scope: "admin",
    tag,
    summary: "Creates a schedule",
    body: ScheduleCreation,
    response: envelope(ScheduleObject),
    status: 201,
    errors,
    handler: async ({ body }) => {
      const now = await readNow(database.pool);
      const created = await refusing(createSchedule({ database, runs: checker }, toSettings(body), now));
      return { data: toScheduleObject(created, now) };
    },
  });
  addSchedule(app, services);
}

function addSchedule(app: H3, services: Services): void {
  const { database } = services;
  const checker = createInputChecker(services);
  route(app, {
    method: "GET",
    path,
    scope: "read",
    tag,
    summary: "A schedule, by its id or name",
    response: envelope(ScheduleObject),
    handler: async ({ params }) => {
      const schedule = there(await findSchedule(database, idOf(params)), params);
      return { data: toScheduleObject(schedule, await readNow(database.pool)) };
    },
  });
  route(app, {
    method: "PUT",
    path,
    scope: "admin",
    tag,
    summary: "Changes what the body names",
    body: ScheduleUpdate,
    response: envelope(ScheduleObject),
    errors,
    handler: async ({ params, body }) => {
      const now = await readNow(database.pool);
      const updated = await refusing(
        updateSchedule({ database, runs: checker }, idOf(params), toSettings(body), now),
      );
      return { data: toScheduleObject(there(updated, params), now) };
    },
  });
  route(app, {
    method: "DELETE",
    path,
    scope: "admin",
    tag,
    summary: "Removes a schedule; its runs stay",
    response: z.null(),
    status: 204,
    errors: { 409: "it came with the program: switch it off instead" },
    handler: async ({ params }) => {
      there((await refusing(removeSchedule(database, idOf(params)))) || undefined, params);
      return new Reply(null);
    },
  });
  route(app, {
    method: "GET",
    path: `${path}/log`,
    scope: "read",
    tag,
    summary: "What a schedule has launched, skipped and failed to launch: the last 1,000 lines",
    response: envelope(
      z.array(z.object({ message: z.string(), level: z.enum(["INFO", "WARN", "ERROR"]), createdAt: date })),
    ),
    handler: async ({ params }) => {
      const lines = there(await readScheduleLog(database, idOf(params)), params);
      return { data: lines.map(({ at, ...line }) => ({ ...line, createdAt: at })) };
    },
  });
}

/** `username~name` and `~name` are the name. */
function idOf({ scheduleId = "" }: Record<string, string>): string {
  return scheduleId.slice(scheduleId.indexOf("~") + 1);
}

function there<Value>(found: Value | undefined, { scheduleId }: Record<string, string>): Value {
  if (found === undefined) throw notFound(`schedule ${JSON.stringify(scheduleId)}`);
  return found;
}

async function refusing<Result>(done: Promise<Result>): Promise<Result> {
  try {
    return await done;
  } catch (cause) {
    const { message } = cause as Error;
    if (cause instanceof InvalidScheduleError) {
      const code = cause.field === "cronExpression" ? "CRON_EXPRESSION_INVALID" : "INVALID_VALUE";
      throw new ApiError(400, code, message, { cause });
    }
    if (cause instanceof ScheduleNameTakenError)
      throw new ApiError(409, "NAME_NOT_UNIQUE", message, { cause });
    if (cause instanceof ShippedScheduleError)
      throw new ApiError(409, "SCHEDULE_IS_SHIPPED", message, { cause });
    throw cause;
  }
}
