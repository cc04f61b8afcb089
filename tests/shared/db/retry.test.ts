import { expect, it } from "vitest";
import { DatabaseError } from "../../../shared/db/errors.ts";
import { withRetry } from "../../../shared/db/retry.ts";

const failure = (message: string, code?: string) => Object.assign(new Error(message), { code });

/** Fails with each of `errors`, then answers with the number of calls. */
function failing(...errors: Error[]): () => Promise<number> {
  let calls = 0;
  return async () => {
    const error = errors[calls++];
    if (error) throw error;
    return calls;
  };
}

it.each([
  ["a refused connection", failure("connect ECONNREFUSED", "ECONNREFUSED")],
  ["a missing socket", failure("connect ENOENT", "ENOENT")],
  ["several addresses that refuse", new AggregateError([failure("", "ECONNREFUSED")])],
  ["a server that shuts down", failure("terminating connection", "57P01")],
  ["a server that starts", failure("starting up", "57P03")],
  ["too many connections", failure("too many clients", "53300")],
  ["a lost connection", failure("Connection terminated unexpectedly")],
  ["a connection that nobody gave back", failure("timeout exceeded when trying to connect")],
  ["a deadlock", failure("deadlock detected", "40P01")],
  ["a full disk", failure("could not extend file", "53100")],
  ["a disk in trouble", failure("could not read file", "58030")],
  ["a database that is read-only", failure("cannot execute INSERT in a read-only transaction", "25006")],
])("tries again after %s", async (_, error) => {
  await expect(withRetry(failing(error, error))).resolves.toBe(3);
});

it.each([
  ["a duplicate key", failure("duplicate key", "23505")],
  ["a syntax error", failure("syntax error", "42601")],
  ["a statement that took too long", failure("canceling statement", "57014")],
  ["a wrong password", failure("password authentication failed", "28P01")],
  ["settings that a pooler refuses", failure("unsupported startup parameter: statement_timeout", "08P01")],
])("does not try again after %s", async (_, error) => {
  await expect(withRetry(failing(error))).rejects.toBe(error);
});

it("gives up when the database stays away, with its last words", async () => {
  const away = failure("connect ECONNREFUSED /tmp/x", "ECONNREFUSED");
  const always = () => Promise.reject(away);
  await expect(withRetry(always, { maxMs: 200 })).rejects.toThrow(DatabaseError);
  await expect(withRetry(always, { maxMs: 200 })).rejects.toThrow(/ECONNREFUSED \/tmp\/x/);
});

it("waits longer each time", async () => {
  const away = failure("", "ECONNRESET");
  const delays: number[] = [];
  await withRetry(failing(away, away, away), { onRetry: (_, delayMs) => delays.push(delayMs) });
  expect(delays).toHaveLength(3);
  expect(delays[1]).toBeGreaterThan(delays[0]!);
  expect(delays[2]).toBeGreaterThan(delays[1]!);
});
