// What a node answers HAProxy's agent-check: whether it is to be sent requests, and how many of its share. Pure.
// Words: HAProxy configuration manual, "agent-check".

export interface AgentState {
  /** The listeners are about to close. */
  readonly isStopping: boolean;
  /** An operator said so. */
  readonly isInMaintenance: boolean;
  readonly isAvailable: boolean;
  /** Undefined: nothing was measured yet. */
  readonly load: Load | undefined;
}

export interface Load {
  /** How long a request of this node to itself takes, and one to its store, in ms. */
  readonly answerMs: number;
  readonly storeMs: number;
  /** How long this node has lacked what another has on disk; 0: nothing. */
  readonly missingSeconds: number;
  /** It is in a cluster and hears of nobody: what it has may be old. */
  readonly isIsolated: boolean;
}

/** Between the first number and the second the weight falls from 100 % to `leastPercent`. */
const slowAnswerMs = [20, 500] as const;
const slowStoreMs = [50, 1_000] as const;
const missingSecondsRange = [2, 30] as const;
/** Never 0, which would be `drain`: nodes that are all slow go on sharing the load. */
const leastPercent = 1;
const isolatedPercent = 10;

/** One line, with its end. */
export function agentLine({ isStopping, isInMaintenance, isAvailable, load }: AgentState): string {
  if (isInMaintenance) return 'maint\n';
  if (isStopping || !isAvailable) return 'drain\n';
  return `up ready ${load === undefined ? 100 : percentOf(load)}%\n`;
}

function percentOf({ answerMs, storeMs, missingSeconds, isIsolated }: Load): number {
  return Math.min(
    falling(answerMs, slowAnswerMs),
    falling(storeMs, slowStoreMs),
    falling(missingSeconds, missingSecondsRange),
    isIsolated ? isolatedPercent : 100,
  );
}

function falling(value: number, [best, worst]: readonly [number, number]): number {
  const part = Math.min(1, Math.max(0, (value - best) / (worst - best)));
  return Math.round(100 - part * (100 - leastPercent));
}
