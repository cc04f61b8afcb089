import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** Actors of the tests, loaded as those of the checkout are. */
export const RUN_ACTORS = path.resolve(import.meta.dirname, "run-actors");

/** A site whose every page is there, after `delayMs`; it knows what it was asked. */
export interface PagesSite {
  origin: string;
  delayMs: number;
  readonly asked: string[];
  close(): void;
}

export async function startPagesSite(): Promise<PagesSite> {
  const site = { origin: "", delayMs: 5, asked: [] as string[], close: () => void server.close() };
  const server = http.createServer((request, response) => {
    site.asked.push(request.url!);
    setTimeout(() => response.end("{}"), site.delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  site.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  site.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return site;
}
