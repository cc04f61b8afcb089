import { randomUUID } from "node:crypto";
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openLocalRunStorage } from "../../../../shared/crawl/local/local-run-storage.ts";
import type { LocalRunStorage } from "../../../../shared/crawl/local/local-run-storage.ts";
import type { QueueFit } from "../../../../shared/crawl/queue-fit.ts";
import { StorageError } from "../../../../shared/crawl/run-storage.ts";
import { runStorageContract } from "../../../contract/run-storage-contract.ts";
import { commit, post, request } from "../../../contract/run-storage-samples.ts";

let root: string;
let storageDir: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "b9-run-storage-"));
});
beforeEach(() => {
  storageDir = join(root, randomUUID());
});
afterAll(async () => rm(root, { recursive: true }));

const open = async () => openLocalRunStorage({ storageDir, name: "crawl" });
const journalOf = (folder = storageDir) => join(folder, "request_queues", "crawl", "journal.jsonl");

runStorageContract("local", {
  open,
  async reopen(storage) {
    await storage.close();
    return open();
  },
});

describe("a local run storage", () => {
  it("belongs to one process at a time", async () => {
    const storage = await open();
    await expect(open()).rejects.toThrow(new RegExp(`crawl is in use by process ${process.pid}; wait`));
    await storage.close();
    await (await open()).close();
  });

  it("does nothing more once it is closed", async () => {
    const storage = await open();
    await storage.close();
    const before = await readFile(journalOf());
    for (const call of [
      storage.addRequests([request("a")]),
      storage.claimRequests(1),
      storage.commitRequests([]),
      storage.reclaimRequests([]),
      storage.setRecord("OUTPUT", 1),
      storage.writeDatasets(),
    ]) {
      await expect(call).rejects.toThrow(/journal\.jsonl is closed/);
    }
    expect(await readFile(journalOf())).toEqual(before);
  });

  it.each(["", "..", "a/b", "/tmp", "-a", "ä"])("refuses the queue name %j", async (name) => {
    await expect(openLocalRunStorage({ storageDir, name })).rejects.toThrow(/queue name/);
  });

  describe("of another version", () => {
    const fit: QueueFit = {
      requestVersion: 2,
      misfit: ({ userData }) => ("page" in userData ? null : "page: expected a number"),
    };
    const openFit = async () => openLocalRunStorage({ storageDir, name: "crawl", fit });
    const write = async (...lines: object[]) => {
      await (await openFit()).close();
      await writeFile(journalOf(), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    };

    it("writes its versions with each opening, and goes on with a journal of the same ones", async () => {
      const storage = await openFit();
      await storage.addRequests([request("a", { userData: { page: 1 } })]);
      await storage.close();
      expect((await readFile(journalOf(), "utf8")).split("\n")[0]).toBe(
        '{"open":{"crashes":0,"version":1,"requests":2}}',
      );
      const reopened = await openFit();
      expect(await reopened.counts()).toMatchObject({ pending: 1 });
      await reopened.close();
      // Whoever opens it without a look at its requests leaves their version.
      await (await open()).close();
      await (await openFit()).close();
    });

    it.each([
      ["lines of a newer version", { crashes: 0, version: 2, requests: 2 }, /lines are of version 2/],
      ["lines of an unknown version", { crashes: 0, version: "x", requests: 2 }, /lines are of version "x"/],
      ["newer requests", { crashes: 0, version: 1, requests: 3 }, /requests are of version 3, .* version 2/],
      ["requests from before there were versions", { crashes: 0 }, /requests are of version 1, .* version 2/],
    ])("is left as it is: %s", async (_, first, message) => {
      await write({ open: first }, { close: true });
      await appendFile(journalOf(), '{"torn');
      const before = await readFile(journalOf());
      await expect(openFit()).rejects.toThrow(message);
      await expect(openFit()).rejects.toThrow(/go on with that version, or start afresh/);
      expect(await readFile(journalOf())).toEqual(before);
    });

    it("is left as it is when requests do not fit, with their number and the first of them", async () => {
      const storage = await openLocalRunStorage({
        storageDir,
        name: "crawl",
        fit: { ...fit, misfit: () => null },
      });
      await storage.addRequests([request("a"), request("b", { userData: { page: 1 } }), request("c")]);
      await storage.close();
      const before = await readFile(journalOf());
      await expect(openFit()).rejects.toThrow(
        /2 of the 3 requests to be done .*\(LISTING a: page: expected a number\)/,
      );
      expect(await readFile(journalOf())).toEqual(before);
    });
  });

  it("keeps the order of an add that takes several lines", async () => {
    const keys = Array.from({ length: 1200 }, (_, index) => `request ${index}`);
    const storage = await open();
    await storage.addRequests(
      keys.map((key) => request(key)),
      { forefront: true },
    );
    await storage.close();
    const reopened = await open();
    expect((await reopened.claimRequests(2000)).map(({ uniqueKey }) => uniqueKey)).toEqual(keys);
    await reopened.close();
  });

  it("waits by the clock, also while no process runs", async () => {
    let now = 1_800_000_000_000;
    const openAt = async () => openLocalRunStorage({ storageDir, name: "crawl", now: () => now });
    const storage = await openAt();
    await storage.addRequests([request("a")]);
    const [claimed] = await storage.claimRequests(1);
    await storage.reclaimRequests([{ ...claimed!, delayMs: 3_600_000 }]);
    await storage.close();
    now += 3_599_999;
    const reopened = await openAt();
    expect(await reopened.nextReadyInMs()).toBe(1);
    expect(await reopened.claimRequests(1)).toEqual([]);
    now += 1;
    expect(await reopened.claimRequests(1)).toHaveLength(1);
    await reopened.close();
  });

  it("waits no longer than it was to when the time of day is set back between two processes", async () => {
    let now = 1_800_000_000_000;
    const openAt = async () => openLocalRunStorage({ storageDir, name: "crawl", now: () => now });
    const storage = await openAt();
    await storage.addRequests([request("a")]);
    const [claimed] = await storage.claimRequests(1);
    await storage.reclaimRequests([{ ...claimed!, delayMs: 5_000 }]);
    await storage.close();
    now -= 3_600_000;
    const reopened = await openAt();
    expect(await reopened.nextReadyInMs()).toBe(5_000);
    await reopened.close();
  });

  it("does not write again what it has for good", async () => {
    const storage = await open();
    await storage.addRequests([request("a"), request("b")]);
    const [a, b] = await storage.claimRequests(2);
    await storage.commitRequests([commit(a!, { items: [post("1")], children: [request("child")] })]);
    const { length } = await readFile(journalOf(), "utf8");
    await storage.commitRequests([commit(b!, { items: [post("1")], children: [request("child")] })]);
    await storage.addRequests([request("child"), request("a")]);
    const written = (await readFile(journalOf(), "utf8")).slice(length);
    expect(written).toBe(
      `{"request":"${b!.id}","attempt":1,"outcome":"handled","ids":"","keys":{}\t,"children":[]\t,"items":{}}\n`,
    );
    await storage.close();
  });
});

describe("after the process died", () => {
  it("attempts that were never given back do not come again", async () => {
    const storage = await open();
    await storage.addRequests([request("a"), request("b")]);
    await storage.claimRequests(1);
    let died = await dieAndReopen(storage);
    const claimed = await died.claimRequests(2);
    expect(claimed.map(({ uniqueKey, attempt }) => [uniqueKey, attempt])).toEqual([
      ["a", 2],
      ["b", 2],
    ]);
    await died.reclaimRequests([claimed[0]!]);
    await died.claimRequests(1);
    died = await dieAndReopen(died);
    expect((await died.claimRequests(2)).map(({ attempt }) => attempt)).toEqual([4, 3]);
    await died.close();
  });

  it("a last line that was not finished is dropped, with a note", async () => {
    await fillAndClose();
    const whole = await readFile(journalOf());
    const close = Buffer.byteLength('{"close":true}\n');
    await writeFile(journalOf(), whole.subarray(0, whole.length - close - 10));
    const opened = await open();
    expect(opened.notes).toEqual([expect.stringMatching(/dropped the last \d+ bytes of .*journal\.jsonl/)]);
    expect(await opened.counts()).toMatchObject({ total: 3, handled: 1, pending: 2 });
    await opened.close();
  });

  it("a last line that is not JSON is dropped, with a note", async () => {
    await fillAndClose();
    await appendFile(journalOf(), `${"\0".repeat(40)}\n`);
    const opened = await open();
    expect(opened.notes).toEqual([expect.stringMatching(/dropped the last 41 bytes of .*journal\.jsonl/)]);
    expect(await opened.counts()).toMatchObject({ total: 3, handled: 1 });
    await opened.close();
  });

  it.each([
    { what: "a line of zeros", damage: (line: string) => "\0".repeat(line.length) },
    { what: "a cut line", damage: (line: string) => line.slice(0, 70) },
    { what: "a line of another kind", damage: () => '{"hello":1}' },
    {
      what: "a cut line in front of an unfinished one",
      damage: (line: string) => line.slice(0, 70),
      cutAfter: true,
    },
    { what: "a doubled commit", damage: (line: string) => `${line}\n${line}`, at: 1 },
    {
      what: "a commit without its child",
      damage: (line: string) => line.replace('"ids":""', `"ids":"${"A".repeat(15)}"`),
    },
    { what: "a commit without its items", damage: (line: string) => line.slice(0, line.lastIndexOf("\t")) },
  ])(
    "$what within the journal is an error that names file and line",
    async ({ damage, at = 0, cutAfter = false }) => {
      await fillAndClose();
      const lines = (await readFile(journalOf(), "utf8")).split("\n");
      const index = lines.findIndex((line) => line.startsWith('{"request"'));
      const damaged = lines.with(index, damage(lines[index]!));
      await writeFile(
        journalOf(),
        cutAfter ? `${damaged.slice(0, index + 1).join("\n")}\n{"recl` : damaged.join("\n"),
      );
      await expect(open()).rejects.toThrow(StorageError);
      await expect(open()).rejects.toThrow(
        new RegExp(`journal\\.jsonl is damaged at line ${index + 1 + at}:`),
      );
    },
  );
});

async function fillAndClose(): Promise<void> {
  const storage = await open();
  await storage.addRequests([request("a"), request("b"), request("c")]);
  const [a, b] = await storage.claimRequests(2);
  await storage.commitRequests([commit(a!, { items: [post("1")] })]);
  await storage.reclaimRequests([b!]);
  await storage.close();
}

/** What a killed process leaves is its journal as it is. */
async function dieAndReopen(storage: LocalRunStorage): Promise<LocalRunStorage> {
  const copy = join(root, randomUUID());
  await cp(journalOf(), journalOf(copy));
  await storage.close();
  storageDir = copy;
  return open();
}
