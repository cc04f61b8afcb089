import { HTTPError } from "h3";
import { DatabaseError } from "../../shared/db/errors.ts";
import { isFull, isPassing } from "../../shared/db/retry.ts";
import { TokenLimitError, UnknownActorError } from "../../shared/runs/run.ts";
import { ApiError, unavailable } from "./api-error.ts";

/** Seconds after which a database that is away is worth another try. */
const RETRY_SECS = 5;

/** Status and code of what a token may not have: Apify's, where it has them. */
const TOKEN_LIMITS = {
  memory: [402, "ACTOR_MEMORY_LIMIT_EXCEEDED"],
  runs: [402, "CONCURRENT_RUNS_LIMIT_EXCEEDED"],
  storage: [402, "STORAGE_LIMIT_EXCEEDED"],
  priority: [403, "INSUFFICIENT_PERMISSIONS"],
} as const;

/** What an error means to whoever asked. What is nobody's mistake but ours is a 500 that says nothing. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  // h3 wraps what is thrown outside of a route.
  if (error instanceof HTTPError && error.unhandled && error.cause !== undefined && error.cause !== error)
    return toApiError(error.cause);
  if (error instanceof HTTPError && error.status < 500)
    return new ApiError(error.status, "INVALID_REQUEST", "the request cannot be read", { cause: error });
  if (error instanceof UnknownActorError)
    return new ApiError(404, "ACTOR_NOT_FOUND", error.message, { cause: error });
  if (error instanceof TokenLimitError) {
    const [status, code] = TOKEN_LIMITS[error.limit];
    return new ApiError(status, code, error.message, { cause: error });
  }
  if (error instanceof RangeError && /call stack/.test(error.message)) return tooDeep(error);
  if (isFull(error))
    return unavailable(
      "the database can store nothing for now, for want of room; try again later",
      RETRY_SECS,
      error,
    );
  if (isPassing(error) || error instanceof DatabaseError)
    return unavailable("the database is away; try again later", RETRY_SECS, error);
  return (
    ofSqlstate(error) ??
    new ApiError(
      500,
      "INTERNAL_SERVER_ERROR",
      "something went wrong here; the log has more under the request's id",
      {
        cause: error,
      },
    )
  );
}

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
function ofSqlstate(error: unknown): ApiError | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== "string") return undefined;
  // Class 22, data exception: a text that no column takes, such as one with a NUL.
  if (/^22...$/.test(code))
    return new ApiError(400, "INVALID_VALUE", "a value of the request cannot be stored or compared", {
      cause: error,
    });
  // statement_too_complex: of what comes from outside that is JSON.
  if (code === "54001") return tooDeep(error);
  if (code === "57014") {
    return new ApiError(
      503,
      "QUERY_TIMEOUT",
      "this takes too long; ask for less, by another filter or order",
      {
        headers: { "retry-after": String(RETRY_SECS) },
        cause: error,
      },
    );
  }
  return undefined;
}

function tooDeep(cause: unknown): ApiError {
  return new ApiError(400, "INVALID_VALUE", "the request is nested too deep", { cause });
}
