/** Virtual time: starts at a fixed moment, runs `timeScale` times as fast as the real one, and can be advanced. */
export interface Clock {
  /** Unix seconds of the virtual world, with fractions. */
  now(): number;
  advance(secs: number): void;
  /**
   * A span of virtual seconds as a client sees it on its own clock, rounded up: whole seconds when both clocks
   * run alike, three decimals otherwise.
   */
  clientSecs(virtualSecs: number): number;
}

export function createClock(startAt: number, timeScale: number): Clock {
  const startedMs = performance.now();
  const digits = timeScale === 1 ? 1 : 1000;
  let advancedSecs = 0;
  return {
    now: () => startAt + ((performance.now() - startedMs) / 1000) * timeScale + advancedSecs,
    advance: (secs) => {
      advancedSecs += secs;
    },
    clientSecs: (virtualSecs) => Math.ceil((Math.max(0, virtualSecs) / timeScale) * digits) / digits,
  };
}
