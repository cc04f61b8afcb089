import { isAway, isFull } from "../db/retry.ts";

/**
 * Does `work` every `ms`, never twice at once: what takes longer delays the next one. That the database is away, its pool
 * tells, once; of other errors `onError` is told, of a full one once until it works again. Returns what stops it, which
 * waits for work under way.
 */
export function repeat(
  ms: number,
  work: () => Promise<void>,
  onError: (error: Error) => void,
): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout;
  let running: Promise<void> = Promise.resolve();
  let isFullTold = false;
  const turn = async () => {
    try {
      await work();
      isFullTold = false;
    } catch (error) {
      const isKnown = isAway(error) || (isFull(error) && isFullTold);
      isFullTold = isFull(error);
      if (!isKnown) onError(error as Error);
    }
    if (!isStopped) timer = setTimeout(start, ms);
  };
  const start = () => void (running = turn());
  timer = setTimeout(start, ms);
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
