/**
 * Milliseconds of a clock that goes on evenly whatever is done to the time of day: for waits, windows, leases and
 * durations of this process. It begins as the time since 1970, so that what is kept for the next process is about right
 * there, and drifts from it when that one is set. `Date` is for times that people, sites or the database are told.
 */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}
