import { mkdtemp } from "node:fs/promises";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { readConfig, type Config } from "../../shared/config.ts";
import { defineActor, type ActorDefinition } from "../../shared/crawl/define-actor.ts";
import { createRouter, type Route } from "../../shared/crawl/router.ts";
import type { Site } from "../../shared/crawl/site.ts";
import { readDataset } from "../../shared/crawl/dataset-reader.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";

/** A server of the test's own on loopback; closed with the test. */
export async function startServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), "b9-test-"));
}

/** Settings for a crawl in a folder of its own; nothing of the machine's environment gets in. */
export async function testConfig(env: Record<string, string> = {}): Promise<Config> {
  return readConfig({ STORAGE_DIR: path.join(await temporaryFolder(), "storage"), ...env }, "no .env file");
}

/**
 * An actor whose every page `/<n>` is one item; input `{pages}`. Its site is `origin`, anonymous and without
 * budget headers.
 */
export function pagesActor(
  origin: string,
  route: Partial<Route<Record<string, unknown>>> = {},
): ActorDefinition {
  const router = createRouter();
  router.addHandler("PAGE", {
    userData: z.object({}),
    handle: async ({ request, pushData }) => {
      await pushData({ reddit_id: new URL(request.url).pathname }, "reddit_posts");
    },
    ...route,
  });
  const site: Site = {
    name: "test",
    needsToken: false,
    rules: {},
    wireRequest: (url) => ({ url, headers: {} }),
    readBudget: () => null,
  };
  return defineActor({
    name: "pages",
    title: "Pages",
    description: "one item a page",
    input: z.object({ pages: z.int().min(1) }),
    router,
    startRequests: ({ pages }) =>
      Array.from({ length: pages }, (_, i) => {
        const url = `${origin}/${i}`;
        return { url, uniqueKey: url, label: "PAGE", userData: {} };
      }),
    primaryDataset: "reddit_posts",
    datasets: ["reddit_posts"],
    resources: { memoryMbytes: 1024, timeoutSecs: 0, maxConcurrency: 20 },
    site: () => ({ site, identities: [{ name: "test", userAgent: "b9-test", proxies: [] }] }),
  });
}

/** All items of a dataset in the config's storage folder. */
export async function items(config: Config, dataset: string): Promise<Item[]> {
  return Array.fromAsync(readDataset(config.storageDir, dataset));
}
