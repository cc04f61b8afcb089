/** The site answered 200 with a body we cannot read. It is asked for again, as after any other broken answer. */
export class UnexpectedShapeError extends Error {
  override name = "UnexpectedShapeError";
}

/** Somebody's input is wrong: a run input, a setting, a file. One line a mistake: field, value, what would be right. */
export class InvalidInputError extends Error {
  override name = "InvalidInputError";
}
