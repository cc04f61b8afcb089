/** What somebody asked a schedule to be cannot be. The message names the field, its value and what would be right. */
export class InvalidScheduleError extends Error {
  override name = "InvalidScheduleError";
  /** As the API names it. */
  readonly field: string;

  constructor(field: string, reason: string, options?: ErrorOptions) {
    super(`${field}: ${reason}`, options);
    this.field = field;
  }
}

/** Another schedule has the name. */
export class ScheduleNameTakenError extends Error {
  override name = "ScheduleNameTakenError";
}

/** It came with the program and cannot be removed. */
export class ShippedScheduleError extends Error {
  override name = "ShippedScheduleError";
}
