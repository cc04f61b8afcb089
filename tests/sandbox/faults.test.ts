import { expect, it } from "vitest";
import { createFaults, parseFaultPlan } from "../../sandbox/faults.ts";

const paths = Array.from({ length: 2000 }, (_, i) => `/oauth/r/sub${i}/hot`);

it("befalls the share of requests that the plan says, the same ones in every run", () => {
  const plan = parseFaultPlan({ faults: [{ kind: "reset", rate: 0.1 }] });
  const drawn = (): boolean[] => {
    const faults = createFaults(5, plan);
    return paths.map((path) => faults.draw("GET", path) !== null);
  };
  const hits = drawn().filter(Boolean).length;
  expect(hits).toBeGreaterThan(140);
  expect(hits).toBeLessThan(260);
  expect(drawn()).toEqual(drawn());
});

it("draws anew when a request comes again", () => {
  const faults = createFaults(5, parseFaultPlan({ faults: [{ kind: "reset", rate: 0.5 }] }));
  const draws = Array.from({ length: 40 }, () => faults.draw("GET", "/x") !== null);
  expect(new Set(draws)).toEqual(new Set([true, false]));
});

it("befalls only what matches, and no more often than planned", () => {
  const faults = createFaults(
    5,
    parseFaultPlan({ faults: [{ kind: "status", match: "/about$", times: 2 }] }),
  );
  expect(faults.draw("GET", "/oauth/r/x/hot")).toBeNull();
  const drawn = [1, 2, 3].map(() => faults.draw("GET", "/oauth/r/x/about")?.kind);
  expect(drawn).toEqual(["status", "status", undefined]);
});

it("takes the first fault of the plan that befalls a request", () => {
  const faults = createFaults(
    5,
    parseFaultPlan({ faults: [{ kind: "reset", rate: 0 }, { kind: "blocked" }, { kind: "status" }] }),
  );
  expect(faults.draw("GET", "/x")?.kind).toBe("blocked");
});

it("names every mistake of a plan with field and value", () => {
  const plan = {
    faults: [{ kind: "explode" }, { kind: "reset", rate: 3, match: "(" }, { kind: "status", delay: 1 }],
  };
  const message = (): unknown => parseFaultPlan(plan);
  expect(message).toThrow(/faults\.0\.kind: .*"status".* got "explode"/);
  expect(message).toThrow(/faults\.1\.rate: .*<=1, got 3/);
  expect(message).toThrow(/faults\.1\.match: .*got "\("/);
  expect(message).toThrow(/faults\.2: .*"delay"/);
  expect(() => parseFaultPlan([])).toThrow(/plan: .*got \[\]/);
});
