import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { readNow } from "../db/clock.ts";
import type { Database } from "../db/database.ts";
import type { Job } from "../maintenance/jobs.ts";
import { type AlertThresholds, type Breach, RULE_NAMES, type RuleName, RULES } from "./rules.ts";

export interface AlertServices {
  database: Pick<Database, "kysely" | "pool">;
  config: AlertThresholds & Pick<Config, "alertWebhookUrl">;
  log: Pick<Logger, "warn" | "info">;
}

/** What an evaluation has changed. */
export interface AlertChange {
  event: "ALERT.OPENED" | "ALERT.CLOSED";
  alert: { id: number; rule: RuleName; subject: string; message: string; value: number; threshold: number };
}

/** Measures every rule, once a minute in one process of all. */
export function alertJob(services: AlertServices): Job {
  return {
    name: "evaluate_alerts",
    everySecs: 60,
    leaseSecs: 60,
    async run() {
      await evaluateAlerts(services, await readNow(services.database.pool));
      return null;
    },
  };
}

/**
 * Opens an alert for what is beyond its threshold at `now` and has none, closes those whose cause is gone, and sends a
 * message about each to ALERT_WEBHOOK_URL. A rule that cannot be measured leaves its alerts as they are, and the others
 * go on.
 * @throws {AggregateError} naming the rules that could not be measured, when all others are done
 */
export async function evaluateAlerts(
  { database, config, log }: AlertServices,
  now: Date,
): Promise<AlertChange[]> {
  const measured: RuleName[] = [];
  const breaches: Breach[] = [];
  const failures: Error[] = [];
  const measure = async (rule: RuleName) => {
    const found = await RULES[rule](database, config, now);
    measured.push(rule);
    breaches.push(...found.map((breach) => ({ rule, ...breach })));
  };
  const fail = (rule: RuleName, cause: Error) =>
    failures.push(new Error(`${rule}: ${cause.message}`, { cause }));
  await Promise.all(RULE_NAMES.map((rule) => measure(rule).catch((error: Error) => fail(rule, error))));
  const { rows: changes } = await database.pool.query<AlertChange>(
    "select * from apply_alerts($1, $2, $3, $4)",
    [measured, JSON.stringify(breaches), now, config.alertWebhookUrl !== undefined],
  );
  for (const { event, alert } of changes) {
    if (event === "ALERT.OPENED") log.warn({ rule: alert.rule }, `alert: ${alert.message}`);
    else log.info({ rule: alert.rule }, `alert is over: ${alert.message}`);
  }
  if (failures.length > 0) {
    const reasons = failures.map(({ message }) => message).join("; ");
    throw new AggregateError(failures, `rules that could not be measured: ${reasons}`);
  }
  return changes;
}
