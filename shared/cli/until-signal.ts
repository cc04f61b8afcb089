/** Resolves with the first SIGTERM or SIGINT; the second one is an impatient one. */
export function untilSignal(onSecond: () => void): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = () => (++signals === 1 ? resolve() : onSecond());
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  });
}
