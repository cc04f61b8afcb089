import { expect, it, vi } from "vitest";
import { childEnvironment } from "../../shared/child-environment.ts";

it("hands down where things are, and neither settings nor secrets", () => {
  vi.stubEnv("API_TOKEN", "secret");
  vi.stubEnv("DATABASE_URL", "postgres://user:secret@host/db");
  vi.stubEnv("LD_PRELOAD", "/x.so");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("TZ", "UTC");
  vi.stubEnv("LC_ALL", "C");
  vi.stubEnv("HTTPS_PROXY", "http://proxy:1");
  const environment = childEnvironment();
  expect(environment).toMatchObject({ TZ: "UTC", LC_ALL: "C", HTTPS_PROXY: "http://proxy:1" });
  expect(environment["PATH"]).toBe(process.env["PATH"]);
  expect(JSON.stringify(environment)).not.toMatch(/secret|x\.so/);
  expect(childEnvironment({ A: "b" }, ["DATABASE_URL"])).toMatchObject({
    A: "b",
    DATABASE_URL: "postgres://user:secret@host/db",
  });
  vi.unstubAllEnvs();
});
