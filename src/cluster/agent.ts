// Answers HAProxy's agent-check on a port of its own: whoever connects is told one line (agent-line.ts), and the connection closes.
// Lives in the main thread, which a busy application does not hold up.

import { agentLine, type Load } from './agent-line.ts';

export interface AgentOptions {
  readonly host: string;
  readonly port: number;
  /** How long the node goes on serving after it has said that it is about to stop. */
  readonly drainMs: number;
  readonly isAvailable: () => boolean;
  /** Measures how the node is. */
  readonly measure: () => Promise<Load>;
  readonly nowMs: () => number;
}

/** How often the load is measured. */
const measureEveryMs = 1_000;
/** A load balancer that has not asked for this long is gone. */
const askedLatelyMs = 60_000;
/** How long who asked may take to close, in seconds. */
const closeSeconds = 5;

export class Agent {
  readonly #options: AgentOptions;
  readonly #listener: Bun.TCPSocketListener;
  readonly #timer: Timer;
  #load: Load | undefined;
  /** Since when a measurement has been under way. */
  #measuringSinceMs: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isStopping = false;
  isInMaintenance = false;

  /** Throws what the listener throws. */
  constructor(options: AgentOptions) {
    this.#options = options;
    this.#listener = Bun.listen({
      hostname: options.host,
      port: options.port,
      socket: {
        open: (socket) => {
          this.#askedMs = options.nowMs();
          socket.timeout(closeSeconds);
          socket.end(this.line);
        },
        timeout: (socket) => void socket.terminate(),
        // What the balancer says (agent-send) changes nothing.
        data: () => {},
        error: () => {},
      },
    });
    this.#timer = setInterval(() => this.#measure(), measureEveryMs);
    this.#timer.unref();
    this.#measure();
  }

  get port(): number {
    return this.#listener.port;
  }

  get line(): string {
    const { isAvailable } = this.#options;
    return agentLine({
      isStopping: this.#isStopping,
      isInMaintenance: this.isInMaintenance,
      isAvailable: isAvailable(),
      load: this.#loadNow(),
    });
  }

  /** Says `drain` from now on. Resolves when balancers have had time to hear it; at once when none asks. */
  async drain(): Promise<void> {
    this.#isStopping = true;
    const { nowMs, drainMs } = this.#options;
    if (nowMs() - this.#askedMs > askedLatelyMs) return;
    await new Promise((resolve) => setTimeout(resolve, drainMs));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#listener.stop(true);
  }

  /** A measurement that does not come back says as much as one that took as long. */
  #loadNow(): Load | undefined {
    if (this.#measuringSinceMs === undefined || this.#load === undefined) return this.#load;
    const waitedMs = this.#options.nowMs() - this.#measuringSinceMs;
    return { ...this.#load, answerMs: Math.max(this.#load.answerMs, waitedMs) };
  }

  #measure(): void {
    if (this.#measuringSinceMs !== undefined || this.#isStopping) return;
    this.#measuringSinceMs = this.#options.nowMs();
    this.#options
      .measure()
      .then((load) => {
        this.#load = load;
      })
      // What could not be measured is measured again.
      .catch(() => {})
      .finally(() => {
        this.#measuringSinceMs = undefined;
      });
  }
}
