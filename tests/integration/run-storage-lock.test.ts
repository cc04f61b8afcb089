import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";

interface Opener {
  child: ChildProcess;
  /** Sends a command; resolves with the answer. */
  ask(command: string): Promise<string>;
}

let root: string;
const openers: Opener[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "b9-lock-race-"));
});
afterEach(() => {
  for (const { child } of openers.splice(0)) child.kill("SIGKILL");
});
afterAll(async () => rm(root, { recursive: true }));

it("of two processes that find a dead owner's lock, exactly one opens the storage", async () => {
  const [first, second] = await Promise.all([startOpener(), startOpener()]);
  for (let round = 0; round < 60; round++) {
    const storageDir = join(root, `race ${round}`);
    const queue = join(storageDir, "request_queues", "crawl");
    await mkdir(queue, { recursive: true });
    if (round % 2) await writeFile(join(queue, "lock.3"), "4194305 1\n");
    const answers = await Promise.all([first.ask(`open ${storageDir}`), second.ask(`open ${storageDir}`)]);
    const winner = answers[0].startsWith("won") ? first : second;
    expect(answers.map((answer) => answer.slice(0, 4)).sort()).toEqual(["lost", "won "]);
    expect(answers.join()).toContain(`crawl is in use by process ${winner.child.pid}; wait until it ends`);
    await Promise.all([first.ask("close"), second.ask("close")]);
  }
});

it("a storage is refused while its owner lives, and free as soon as it was killed", async () => {
  const storageDir = join(root, "killed");
  const owner = await startOpener();
  expect(await owner.ask(`open ${storageDir}`)).toMatch(/^won/);
  const open = async () => openLocalRunStorage({ storageDir, name: "crawl" });
  await expect(open()).rejects.toThrow(`in use by process ${owner.child.pid}`);
  owner.child.kill("SIGKILL");
  await once(owner.child, "exit");
  await (await open()).close();
});

async function startOpener(): Promise<Opener> {
  const script = join(import.meta.dirname, "run-storage-opener.ts");
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => (await lines.next()).value ?? "";
  expect(await answer()).toBe("ready");
  const opener: Opener = {
    child,
    ask(command) {
      child.stdin.write(`${command}\n`);
      return answer();
    },
  };
  openers.push(opener);
  return opener;
}
