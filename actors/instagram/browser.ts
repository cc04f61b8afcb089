import type { Browser, BrowserContext, Page, Response } from "playwright";
import { childEnvironment } from "../../shared/child-environment.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "../../shared/crawl/http-client.ts";
import { parseJsonExact } from "../../shared/crawl/json.ts";
import type { TransportFailure } from "../../shared/crawl/transport-failure.ts";
import { redact } from "../../shared/redact.ts";

export interface BrowserOptions {
  executablePath: string;
  /** Whether a page has shown what is wanted of it, by the JSON so far; asked after each scroll. */
  isEnough(url: string, documents: readonly unknown[]): boolean;
}

/** The body of a page's answer: what there was to read of it. */
export interface PageBody {
  title: string;
  description: string;
  /** The page is a login instead of what was asked for. */
  require_login: boolean;
  /** The page has shown what was wanted of it, or all that it has. */
  is_whole: boolean;
  documents: unknown[];
}

/** Until the document stands. */
const NAVIGATION_MS = 30_000;
/** A page whose scripts fetch nothing for this long has no more to show. */
const QUIET_MS = 3_000;
/** Scrolls in a row that bring nothing, after which a page has no more to show: a busy machine is slow to fetch. */
const MAX_QUIET_SCROLLS = 3;
/** Pages of a list that one visit scrolls through at the most. */
const MAX_SCROLLS = 200;
/** Kinds of resources that are not fetched: what is read is JSON. */
const BLOCKED = new Set(["image", "media", "font"]);

/**
 * A way to pages through a browser, which starts with the first page. Each identity has a context, with cookies and a
 * proxy of its own. The answer's body is a {@link PageBody} as JSON.
 */
export function createBrowserClient({ executablePath, isEnough }: BrowserOptions): HttpClient {
  let browser: Promise<Browser> | null = null;
  const contexts = new Map<string, Promise<BrowserContext>>();

  function contextOf({ identity, proxyUrl, headers }: HttpRequest): Promise<BrowserContext> {
    const key = JSON.stringify([identity, proxyUrl]);
    const open = async () => {
      browser ??= launch(executablePath).then((launched) => {
        // One that has crashed is started anew by the next request.
        launched.once("disconnected", () => {
          contexts.clear();
          browser = null;
        });
        return launched;
      });
      const userAgent = headers["user-agent"];
      const context = await (
        await browser
      ).newContext({
        ...(userAgent !== undefined && { userAgent }),
        ...(proxyUrl !== null && { proxy: toProxy(proxyUrl) }),
        serviceWorkers: "block",
      });
      await context.route("**/*", (route) =>
        BLOCKED.has(route.request().resourceType()) ? route.abort() : route.continue(),
      );
      return context;
    };
    const context = contexts.get(key) ?? open();
    contexts.set(key, context);
    // A browser that could not be started is tried anew by the next request.
    context.catch(() => {
      contexts.delete(key);
      browser = null;
    });
    return context;
  }

  return {
    async send(request) {
      let page: Page | undefined;
      const onAbort = () => void page?.close();
      const context = await contextOf(request).catch((cause: Error) => {
        const [message] = redact(cause.message).split("\n");
        throw new Error(`the browser ${executablePath} cannot be started: ${message}`, { cause });
      });
      try {
        page = await context.newPage();
        request.signal?.addEventListener("abort", onAbort);
        return await visit(page, request, isEnough);
      } catch (error) {
        return toFailure(error as Error, request);
      } finally {
        request.signal?.removeEventListener("abort", onAbort);
        await page?.close();
      }
    },
    async close() {
      await (await browser)?.close();
    },
  };
}

/** Only who chose this source pays for Playwright. */
async function launch(executablePath: string): Promise<Browser> {
  const { chromium } = await import("playwright");
  // Chromium's sandbox refuses to run as root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const args = [...sandbox, "--disable-background-networking"];
  return chromium.launch({ executablePath, args, env: childEnvironment() });
}

async function visit(
  page: Page,
  { url }: HttpRequest,
  isEnough: BrowserOptions["isEnough"],
): Promise<HttpAnswer> {
  const fetched: Promise<unknown>[] = [];
  page.on("response", (response) => {
    if (isJson(response)) fetched.push(readJson(response));
  });
  const response = await page.goto(url.replace(/#.*/, ""), {
    waitUntil: "domcontentloaded",
    timeout: NAVIGATION_MS,
  });
  const inline = await readInline(page);
  const documents = async () => [...inline, ...(await Promise.all(fetched)).filter(Boolean)];
  let isWhole = false;
  for (let scrolls = 0, quiet = 0; scrolls < MAX_SCROLLS && quiet < MAX_QUIET_SCROLLS; scrolls++) {
    await page.waitForLoadState("networkidle", { timeout: QUIET_MS }).catch(ignoreTimeout);
    isWhole = isEnough(url, await documents());
    if (isWhole) break;
    const before = fetched.length;
    // From the top, for a page that stands at its end already tells its scripts nothing.
    await page.evaluate("window.scrollTo(0, 0)");
    await page.evaluate("window.scrollTo(0, document.body.scrollHeight)");
    await page.waitForResponse(isJson, { timeout: QUIET_MS }).catch(ignoreTimeout);
    quiet = fetched.length === before ? quiet + 1 : 0;
  }
  const body = await readPage(page, { documents: await documents(), isWhole });
  return {
    status: response?.status() ?? 0,
    headers: {},
    body: Buffer.from(JSON.stringify(body)),
    url,
    answeredAt: Date.now(),
  };
}

async function readPage(
  page: Page,
  { documents, isWhole }: { documents: unknown[]; isWhole: boolean },
): Promise<PageBody> {
  const isLogin =
    /\/accounts\/login(?:\/|$)/.test(new URL(page.url()).pathname) ||
    (await page.locator('input[type="password"]').count()) > 0;
  return {
    title: await page.title(),
    description: (await page.locator("main p").allTextContents()).join(" "),
    require_login: isLogin,
    is_whole: isWhole,
    documents: isLogin ? [] : documents,
  };
}

/** The JSON that a page hands to its own scripts. */
async function readInline(page: Page): Promise<unknown[]> {
  const texts = await page.locator('script[type="application/json"]').allTextContents();
  return texts.flatMap((text) => parseOrNothing(text) ?? []);
}

function isJson(response: Response): boolean {
  return /\bjson\b|javascript/.test(response.headers()["content-type"] ?? "") && isFetch(response);
}

function isFetch(response: Response): boolean {
  return ["fetch", "xhr"].includes(response.request().resourceType());
}

/** `null` when the page was left before the answer was whole. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text().catch(() => null);
  return text === null ? null : parseOrNothing(text);
}

/** Instagram's pages put a loop before some of their JSON, against those who would run it. */
function parseOrNothing(text: string): unknown {
  try {
    return parseJsonExact(text.replace(/^for\s*\(;;\);/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function toProxy(proxyUrl: string): { server: string; username?: string; password?: string } {
  const { protocol, host, username, password } = new URL(proxyUrl);
  return {
    server: `${protocol}//${host}`,
    ...(username !== "" && {
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    }),
  };
}

/** Playwright's errors name what Chromium met: `net::ERR_CONNECTION_REFUSED at …`. */
function toFailure(error: Error, { proxyUrl, signal }: HttpRequest): TransportFailure {
  const [message = ""] = redact(error.message).split("\n");
  const viaProxy = proxyUrl !== null;
  const failure = signal?.aborted
    ? "aborted"
    : (FAILURES.find(([, mark]) => mark.test(message))?.[0] ?? "unreachable");
  const isCutOff = failure === "proxy" || failure === "refused" || failure === "dns" || failure === "tls";
  return { failure, message, viaProxy, status: null, ...(isCutOff && { isCutOff }) };
}

const FAILURES: readonly (readonly [TransportFailure["failure"], RegExp])[] = [
  ["timeout", /Timeout|ERR_TIMED_OUT|ERR_CONNECTION_TIMED_OUT/],
  ["proxy", /ERR_PROXY|ERR_TUNNEL/],
  ["refused", /ERR_CONNECTION_REFUSED/],
  ["reset", /ERR_CONNECTION_RESET|ERR_CONNECTION_CLOSED|ERR_EMPTY_RESPONSE/],
  ["dns", /ERR_NAME_NOT_RESOLVED/],
  ["tls", /ERR_CERT|ERR_SSL/],
];

function ignoreTimeout(error: Error): void {
  if (error.name !== "TimeoutError") throw error;
}
