// How long an origin has said nothing though it was asked: what tells a page that is slow from an origin that hangs.

export class Silence {
  #underWay = 0;
  #sinceMs = 0;

  asked(nowMs: number): void {
    if (this.#underWay++ === 0) this.#sinceMs = nowMs;
  }

  /** It has said something, to whoever. */
  heard(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  /** @param isWord whether it was an answer, of whatever kind, rather than a failure to give one */
  ended(isWord: boolean, nowMs: number): void {
    this.#underWay--;
    if (isWord) this.heard(nowMs);
  }

  /** In ms; 0: it is not asked. */
  lastsMs(nowMs: number): number {
    return this.#underWay === 0 ? 0 : nowMs - this.#sinceMs;
  }
}

/**
 * What comes of a promise; undefined when the silence has lasted for `longestMs` before it did. One that ends meanwhile is waited through.
 * @param lastsMs how long it has lasted
 */
export async function beforeSilence<T>(
  coming: Promise<T>,
  lastsMs: () => number,
  longestMs: number,
): Promise<T | undefined> {
  for (;;) {
    const waited = Promise.withResolvers<undefined>();
    const timer = setTimeout(waited.resolve, Math.max(0, longestMs - lastsMs()), undefined);
    try {
      const came = await Promise.race([coming, waited.promise]);
      if (came !== undefined) return came;
    } finally {
      clearTimeout(timer);
    }
    if (lastsMs() < longestMs) continue;
    // A thread that was busy itself hears first what has come meanwhile.
    await turn();
    if (lastsMs() >= longestMs) return undefined;
  }
}

/** What waits for this thread has its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
