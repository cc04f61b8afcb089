import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { withHeartbeat } from "../../../../server/routes/v2/heartbeat.ts";

const collect = async (source: AsyncIterable<string>) =>
  (await Array.fromAsync(withHeartbeat(source, "*", 40))).join("");

it("beats while nothing comes, and ends with the source", async () => {
  async function* source() {
    yield "a\n";
    await sleep(200);
    yield "b\n";
  }
  expect(await collect(source())).toMatch(/^a\n\*{2,}b\n$/);
});

it("leaves a line that is not finished alone", async () => {
  async function* source() {
    yield "a";
    await sleep(150);
    yield "b\n";
  }
  expect(await collect(source())).toBe("ab\n");
});

it("beats after a second at first, however rarely later", async () => {
  async function* source() {
    await sleep(1_200);
    yield "a\n";
  }
  expect((await Array.fromAsync(withHeartbeat(source(), "*", 60_000))).join("")).toBe("*a\n");
});

it("adds nothing to a source that is not silent", async () => {
  async function* source() {
    yield* ["a\n", "b\n"];
  }
  expect(await collect(source())).toBe("a\nb\n");
});

it("fails with the source", async () => {
  async function* source() {
    yield "a\n";
    throw new Error("broken");
  }
  await expect(collect(source())).rejects.toThrow("broken");
});

it("closes the source when its reader leaves", async () => {
  let closed = false;
  async function* source() {
    try {
      for (;;) yield "a\n";
    } finally {
      closed = true;
    }
  }
  for await (const part of withHeartbeat(source(), "*", 40)) if (part) break;
  expect(closed).toBe(true);
});
