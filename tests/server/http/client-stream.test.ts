import { describe, expect, it } from "vitest";
import { ClientStream } from "../../../server/http/client-stream.ts";

describe("a client's stream", () => {
  it("gives what was sent, until it is closed", async () => {
    const stream = new ClientStream();
    stream.send("one ");
    stream.send("");
    stream.send("two");
    stream.close();
    stream.send("three");
    expect(await new Response(stream.readable).text()).toBe("one two");
  });

  it("is cut off when its client does not read, and tells so once", () => {
    const stream = new ClientStream();
    let closed = 0;
    stream.onClosed(() => closed++);
    for (let n = 0; n < 100; n++) stream.send("x".repeat(10_000));
    stream.close();
    expect(closed).toBe(1);
  });

  it("tells when the client goes away", async () => {
    const stream = new ClientStream();
    let closed = 0;
    stream.onClosed(() => closed++);
    await stream.readable.cancel();
    stream.send("x");
    expect(closed).toBe(1);
  });
});
