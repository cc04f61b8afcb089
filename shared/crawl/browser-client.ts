import type { HttpClient } from "./http-client.ts";

export function createBrowserClient(_options: { executablePath: string }): HttpClient {
  throw new Error("not here yet");
}
