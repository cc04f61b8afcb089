import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox, type Sandbox } from "../../sandbox/sandbox.ts";
import { type DemoServer, startDemoServer } from "../../shared/cli/demo-server.ts";

const B9 = path.resolve(import.meta.dirname, "../../b9");

// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\0-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;

let world: Sandbox;
let server: DemoServer;
beforeAll(async () => {
  world = await startSandbox({ subreddits: 60, users: 400 });
  server = await startDemoServer({ ...world.env });
}, 60_000);
afterAll(async () => {
  await server.close();
  await world.close();
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function b9(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const settings = { ...process.env, API_TOKEN: server.token, ...env };
  try {
    const { stdout, stderr } = await promisify(execFile)(B9, [...args, "--url", server.url], {
      env: settings,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

async function launch(subreddits: string[]): Promise<string> {
  const { stdout } = await b9([
    "run",
    "reddit",
    "--detach",
    "--json",
    "--input",
    JSON.stringify({ subreddits }),
  ]);
  return (JSON.parse(stdout) as { id: string }).id;
}

async function names(count: number): Promise<string[]> {
  const response = await fetch(`${world.url}/_sandbox/truth?count=${count}`);
  return ((await response.json()) as { names: string[] }).names;
}

describe("b9 run", () => {
  it("launches a run, tells how it goes, and ends with it; runs, run-info, logs and export show it", async () => {
    const input = JSON.stringify({ subreddits: await names(2) });
    const { code, stdout } = await b9(["run", "reddit", "--input", input]);
    expect(stdout).toMatch(
      /^run \w{17}: .*\n[\s\S]*SUCCEEDED: all requests are done\n\d+ done, \d+ failed, 0 queued/m,
    );
    expect(code).toBe(0);
    const id = /^run (\w+)/.exec(stdout)![1]!;

    expect((await b9(["runs"])).stdout).toMatch(new RegExp(`^${id} +reddit +SUCCEEDED `, "m"));
    expect((await b9(["runs", "--status", "FAILED,TIMED-OUT", "--json"])).stdout).toBe("[]\n");
    expect(await b9(["runs", "--status", "FAILED,NOPE"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--status: expected some of READY, .*, got "NOPE"\n$/),
    });
    expect(await b9(["abort", ""])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Expected string .id. to not be empty.*\n$/),
    });
    const info = (await b9(["run-info", id])).stdout;
    expect(info).toContain("SUCCEEDED: all requests are done");
    expect(info).toContain(input);
    const log = (await b9(["logs", id])).stdout;
    expect(log).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO {2}worker .* has taken the run/);
    expect((await b9(["logs", id, "-f"])).stdout).toBe(log);

    const jsonl = (await b9(["export", id, "reddit_subreddits"])).stdout.trimEnd().split("\n");
    expect(jsonl.map((line) => (JSON.parse(line) as { name: string }).name).toSorted()).toEqual(
      (await names(2)).toSorted(),
    );
    expect((await b9(["export", id, "reddit_subreddits", "--format", "csv"])).stdout).toMatch(/^[\w,]*name,/);
    expect(await b9(["export", id, "nothing"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there are: reddit_posts"),
    });
  }, 60_000);

  it("names the fields of an input that the actor refuses, and starts nothing", async () => {
    const refused = await b9(["run", "reddit", "--input", '{"subreddits":["no name!"],"max_items":-1}']);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/subreddits.*no name!|subreddits\[0\]/);
    expect(refused.stderr).toContain("max_items");
    expect((await b9(["run", "nobody"])).code).toBe(2);
    expect(await b9(["run", "reddit", "--memory", "lots"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--memory: expected a whole number from 1, got "lots"'),
    });
  });
});

it("prints nothing of a run that acts on a terminal", async () => {
  const id = await launch(await names(1));
  await b9(["logs", id, "-f"]);
  const evil = "\u001b]52;c;AAAA\u0007\u001b[2J\rall fine\u009b31m\b\u202e\nrun x: SUCCEEDED";
  const api = (route: string, method: string, body: unknown) =>
    fetch(`${server.url}${route}`, {
      method,
      headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  await api(`/v2/actor-runs/${id}`, "PUT", { statusMessage: evil, isStatusMessageTerminal: true });
  await api(`/v2/datasets/${id}-failed_requests/items`, "POST", [{ request_id: "1", [evil]: evil }]);
  await api(`/v2/key-value-stores/${id}/records/INPUT`, "PUT", { note: evil });
  for (const args of [
    ["runs"],
    ["run-info", id],
    ["abort", id],
    ["logs", id],
    ["api", `/v2/actor-runs/${id}`],
    ["api", `/v2/datasets/${id}-failed_requests/items?format=csv`],
    ["export", id, "failed_requests", "--format", "csv"],
    ["abort", evil],
  ]) {
    const { stdout, stderr } = await b9(args);
    expect(stdout.replaceAll("\r\n", "\n") + stderr).not.toMatch(CONTROLS);
  }
  expect((await b9(["runs"])).stdout).not.toMatch(/^run x/m);
  expect(JSON.parse((await b9(["run-info", id, "--json"])).stdout)).toMatchObject({ id });
  const [item] = JSON.parse((await b9(["export", id, "failed_requests", "--format", "json"])).stdout);
  expect(item[evil]).toBe(evil);
}, 180_000);

it("b9 abort ends a run gracefully, b9 resurrect lets it go on to its end", async () => {
  const id = await launch(await names(40));
  for (;;) {
    const { stdout } = await b9(["run-info", id, "--json"]);
    if ((JSON.parse(stdout) as { status: string }).status === "RUNNING") break;
  }
  expect((await b9(["abort", id])).stdout).toMatch(new RegExp(`^run ${id}: ABORTED`));
  expect((await b9(["resurrect", id])).stdout).toMatch(new RegExp(`^run ${id}: (READY|RUNNING)`));
  await b9(["logs", id, "-f"]);
  expect((await b9(["run-info", id])).stdout).toMatch(/SUCCEEDED|RUNNING/);
  expect(await b9(["abort", "nobody"])).toMatchObject({ code: 2, stderr: "there is no run nobody\n" });
}, 90_000);

it("b9 schedules lists them, and switches one on and off", async () => {
  const state = async () => /^reddit_continuous +(\w+)/m.exec((await b9(["schedules"])).stdout)?.[1];
  expect(await state()).toBe("off");
  expect((await b9(["schedules", "enable", "reddit_continuous"])).code).toBe(0);
  expect(await state()).toBe("on");
  await b9(["schedules", "disable", "reddit_continuous"]);
  expect(await state()).toBe("off");
  expect(await b9(["schedules", "enable", "nothing"])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/got "nothing"; there are: .*reddit_continuous/),
  });
});

it("b9 status, actors and api say how the server is", async () => {
  const status = await b9(["status"]);
  expect(status.stdout).toMatch(/ready: .*database ok/);
  expect(status.stdout).toMatch(/^reddit +stopped/m);
  expect(status.code).toBe(0);
  expect((await b9(["actors"])).stdout).toMatch(/^reddit +Reddit /m);
  expect(JSON.parse((await b9(["api", "/health"])).stdout)).toMatchObject({ status: "ok" });
  expect(await b9(["api", "/api/nothing"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("PAGE_NOT_FOUND"),
  });
});

it("a wrong token and a server that is not there are told in one line", async () => {
  const wrong = await b9(["runs"], { API_TOKEN: "not-the-token-of-the-server" });
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toMatch(/^http.*API_TOKEN.*\n$/);
  const away = await promisify(execFile)(B9, ["runs", "--url", "http://127.0.0.1:9"]).catch(
    (error: unknown) => error,
  );
  expect(away).toMatchObject({
    code: 1,
    stderr: "no server at http://127.0.0.1:9; ./b9 up starts one, --url names another\n",
  });
});
