// SIGINT, SIGTERM, SIGHUP → "stop" once, then "end at once".

/** Signals this close together, in ms, are one: Ctrl+C comes from the terminal and again from each launcher (npm, node). */
export const sameSignalMs = 500;

/** Exit code of a process ended by a second signal. */
export const impatientExitCode = 130;

export type SignalMeaning = 'stop' | 'same' | 'end';

/** What a signal means, given when the first one came. */
export function meaningOf(firstAtMs: number | undefined, nowMs: number): SignalMeaning {
  if (firstAtMs === undefined) return 'stop';
  return nowMs - firstAtMs < sameSignalMs ? 'same' : 'end';
}

/** Resolves at the first signal. A second one ends the process. */
export function firstStopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let firstAtMs: number | undefined;
    const received = () => {
      const nowMs = performance.now();
      const meaning = meaningOf(firstAtMs, nowMs);
      if (meaning === 'end') process.exit(impatientExitCode);
      if (meaning === 'stop') {
        firstAtMs = nowMs;
        resolve();
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, received);
  });
}
