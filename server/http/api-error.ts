export interface ApiErrorOptions {
  /** One line a mistake, for people; in the answer's `details` (`/api`) or `data.details` (`/v2`). */
  details?: readonly string[] | undefined;
  headers?: Record<string, string> | undefined;
  cause?: unknown;
}

/**
 * What a request is refused with. `code` is one of Apify's error types in capitals: `RECORD_NOT_FOUND` is `code` under
 * `/api` and becomes `record-not-found` under `/v2`.
 */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: readonly string[] | undefined;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    message: string,
    { details, headers = {}, cause }: ApiErrorOptions = {},
  ) {
    super(message, { cause });
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

/** @param what as in `no subreddit "x"` */
export function notFound(what: string): ApiError {
  return new ApiError(404, "RECORD_NOT_FOUND", `no ${what}`);
}

/** @param mistakes one a field: its name, what would be right, what it is */
export function invalidRequest(mistakes: readonly string[]): ApiError {
  return new ApiError(400, "INVALID_REQUEST", mistakes.join("; "), { details: mistakes });
}

/** What may well be done when it is asked for again, `retryAfterSecs` from now. */
export function unavailable(message: string, retryAfterSecs: number, cause?: unknown): ApiError {
  return new ApiError(503, "SERVICE_UNAVAILABLE", message, {
    headers: { "retry-after": String(retryAfterSecs) },
    cause,
  });
}
