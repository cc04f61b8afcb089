import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireLock, takeNumber } from "../../../../shared/crawl/local/lock.ts";

/** Above the largest pid that Linux gives out (proc_sys_kernel(5)). */
const DEAD_PID = 4_194_304 + 1;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "b9-lock-"));
});
afterEach(async () => rm(folder, { recursive: true }));

it("is refused while its owner lives, who is named", async () => {
  const release = await acquireLock(folder);
  await expect(acquireLock(folder)).rejects.toThrow(
    `${folder} is in use by process ${process.pid}; wait until it ends`,
  );
  await release();
  await (
    await acquireLock(folder)
  )();
});

it("is taken over from an owner that is dead", async () => {
  await writeFile(join(folder, "lock.7"), `${DEAD_PID} 123\n`);
  const release = await acquireLock(folder);
  await expect(acquireLock(folder)).rejects.toThrow(/in use/);
  await release();
});

it.runIf(process.platform === "linux")(
  "is taken over when another process has the owner's pid by now",
  async () => {
    await writeFile(join(folder, "lock.1"), `${process.pid} 1\n`);
    const release = await acquireLock(folder);
    await release();
    expect(await readdir(folder)).toEqual(["lock.2"]);
  },
);

it("is refused while the owner's pid lives and nobody knows since when", async () => {
  await writeFile(join(folder, "lock.1"), `${process.pid} \n`);
  await expect(acquireLock(folder)).rejects.toThrow(/in use/);
});

it.each(["12", "\0\0\0\0", "0 123\n", "process 7\n"])(
  "is refused when it cannot be read who has it: %j",
  async (content) => {
    await writeFile(join(folder, "lock.3"), content);
    await expect(acquireLock(folder)).rejects.toThrow(`${join(folder, "lock.3")} does not say which process`);
    await rm(join(folder, "lock.3"));
    await (
      await acquireLock(folder)
    )();
  },
);

it("goes by the newest owner", async () => {
  await writeFile(join(folder, "lock.9"), `${DEAD_PID} 123\n`);
  await writeFile(join(folder, "lock.10"), `${process.pid} \n`);
  await expect(acquireLock(folder)).rejects.toThrow(/in use/);
});

it("leaves one file behind, whatever came before", async () => {
  await writeFile(join(folder, "lock.9"), "");
  await writeFile(join(folder, "lock.10"), `${DEAD_PID} 123\n`);
  await (
    await acquireLock(folder)
  )();
  await (
    await acquireLock(folder)
  )();
  expect(await readdir(folder)).toEqual(["lock.12"]);
});

it("goes to exactly one of those who find the same owner dead", async () => {
  for (let round = 0; round < 20; round++) {
    await writeFile(join(folder, `lock.${round * 100}`), `${DEAD_PID} 123\n`);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(folder)));
    const winners = results.filter((result) => result.status === "fulfilled");
    expect(winners).toHaveLength(1);
    await winners[0]?.value();
  }
});

it("is not taken by a process that looked before the last owners came and went", async () => {
  const ownerFile = join(folder, "owner");
  await writeFile(ownerFile, `${process.pid} \n`);
  await writeFile(join(folder, "lock.5"), `${process.pid} \n`);
  expect(await takeNumber(folder, ownerFile, 4)).toBe(false);
  expect(await takeNumber(folder, ownerFile, 5)).toBe(false);
  expect((await readdir(folder)).sort()).toEqual(["lock.5", "owner"]);
  expect(await takeNumber(folder, ownerFile, 6)).toBe(true);
});

it("never has two owners, however many come and go", async () => {
  let owners = 0;
  let turns = 0;
  const contend = async (): Promise<void> => {
    for (let round = 0; round < 60; round++) {
      const release = await acquireLock(folder).catch(() => null);
      if (!release) continue;
      turns++;
      expect(++owners).toBe(1);
      await setImmediate();
      owners--;
      await release();
    }
  };
  await Promise.all(Array.from({ length: 8 }, contend));
  expect(turns).toBeGreaterThan(8);
});
