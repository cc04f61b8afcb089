/** The database cannot be used as it is. The message says why, and what would help. */
export class DatabaseError extends Error {
  override name = "DatabaseError";
}
