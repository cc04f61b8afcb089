import { formatIssue, parseValue } from "../parse/issues.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { UnknownLabelError } from "./router.ts";
import { type NewRequest, UnfitQueueError } from "./run-storage.ts";

/** What the program that opens a queue can carry out. */
export interface QueueFit {
  /** Of the actor's `userData`. */
  requestVersion: number;
  /** What is wrong with a request, one line; `null` when it is as this version would have written it. */
  misfit(request: NewRequest): string | null;
}

export function createQueueFit({
  router,
  requestVersion = 1,
}: Pick<ActorDefinition, "router" | "requestVersion">): QueueFit {
  return {
    requestVersion,
    misfit({ label, userData }) {
      try {
        const { userData: schema } = router.route(label);
        const parsed = parseValue(schema, userData, { whole: "userData", showsValues: false });
        return parsed.success ? describeLost(userData, parsed.data) : formatIssue(parsed.issues[0]!);
      } catch (error) {
        if (error instanceof UnknownLabelError) return error.message;
        throw error;
      }
    },
  };
}

/**
 * The requests of a queue that is being opened: before one is sent, all are looked at.
 * @throws {UnfitQueueError} from `assertFit`, where another version has written them
 */
export class FitCheck {
  readonly #fit: QueueFit;
  readonly #queue: string;
  #seen = 0;
  #unfit = 0;
  #first: string | null = null;

  /** @param queue names it in the error */
  constructor(fit: QueueFit, queue: string) {
    this.#fit = fit;
    this.#queue = queue;
  }

  add(request: NewRequest): void {
    this.#seen++;
    const misfit = this.#fit.misfit(request);
    if (misfit === null) return;
    this.#unfit++;
    this.#first ??= `${request.label} ${request.uniqueKey}: ${misfit}`;
  }

  assertFit(): void {
    if (this.#first === null) return;
    throw new UnfitQueueError(
      this.#queue,
      `${this.#unfit} of the ${this.#seen} requests to be done are of a shape that this one cannot carry out (${this.#first})`,
    );
  }
}

/** @throws {UnfitQueueError} when `userData` of another version is in the queue */
export function assertRequestVersion(found: number, fit: QueueFit, queue: string): void {
  if (found === fit.requestVersion) return;
  throw new UnfitQueueError(
    queue,
    `its requests are of version ${found}, those of this one of version ${fit.requestVersion}`,
  );
}

/**
 * A field that the schema drops is one that this version does not write, and would go without. What a schema adds
 * (defaults) or makes of a value is its own matter.
 */
function describeLost(raw: unknown, parsed: unknown, path: readonly string[] = []): string | null {
  if (!isContainer(raw) || !isContainer(parsed)) return null;
  for (const [name, value] of Object.entries(raw)) {
    if (value === undefined) continue;
    const place = [...path, name];
    if (!Object.hasOwn(parsed, name)) return `${place.join(".")}: there is no such field`;
    const lost = describeLost(value, (parsed as Record<string, unknown>)[name], place);
    if (lost !== null) return lost;
  }
  return null;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
