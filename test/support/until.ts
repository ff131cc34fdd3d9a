// Waiting for something to become true that nothing announces.

const defaultLimitMs = 20_000;
const stepMs = 20;

/** Asks again and again; throws with `what` when it has not become true in time. A condition that throws is not true yet. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs: number = defaultLimitMs,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  let last: unknown;
  do {
    try {
      if (await condition()) return;
    } catch (error) {
      last = error;
    }
    await Bun.sleep(stepMs);
  } while (performance.now() < deadlineMs);
  throw new Error(`In ${limitMs} ms this did not come true: ${what}`, { cause: last });
}
