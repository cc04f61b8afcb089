import { hash } from "node:crypto";

/** Length of every request id. */
export const REQUEST_ID_LENGTH = 15;

/** A request's id: Crawlee's own formula, so that ids mean the same in its tools. */
export function requestId(uniqueKey: string): string {
  const text = hash("sha256", uniqueKey, "base64").replace(/[+/=]/g, "");
  // Through a buffer, because a slice of a string keeps the whole string alive: half the memory a million ids.
  return Buffer.from(text, "latin1").toString("latin1", 0, REQUEST_ID_LENGTH);
}
