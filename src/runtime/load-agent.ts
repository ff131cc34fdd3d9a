// The agent that tells load balancers how this node is: see cluster/agent.ts. What it tells is measured where it counts, by asking the
// application's own door and the thread of the store.

import { Agent, type ClusterStatus } from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import { listenError } from './port-error.ts';
import type { Workers } from './types.ts';

/** How long the node may take to answer itself, in ms. */
const answerMs = 5_000;

/** Throws INVALID_CONFIG where the port can't be listened on. */
export async function startAgent(
  { agent }: Pick<Config, 'agent'>,
  httpUrl: string,
  workers: Workers,
  isAvailable: () => boolean,
): Promise<Agent> {
  const measure = async () => {
    const [answer, store] = await Promise.all([
      // A connection of its own each time: another thread may take it.
      timed(() =>
        fetch(new URL('/health', httpUrl), {
          keepalive: false,
          signal: AbortSignal.timeout(answerMs),
          // It is this node, by an address its certificate need not name.
          tls: { rejectUnauthorized: false },
        }).then(
          (response) => response.text(),
          () => '',
        ),
      ),
      timed(() => workers.askCluster({ type: 'status' })),
    ]);
    const status = store.value as ClusterStatus | { readonly enabled: false };
    return {
      answerMs: answer.tookMs,
      storeMs: store.tookMs,
      missingSeconds: status.enabled ? status.missingSeconds : 0,
      isIsolated: status.enabled && status.peers.length > 0 && !status.peers.some(({ connected }) => connected),
    };
  };
  const { host, port, drainMs } = agent;
  try {
    return new Agent({ host, port, drainMs, isAvailable, measure, nowMs: () => performance.now() });
  } catch (error) {
    throw listenError(error, { host, port, section: 'agent' });
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly tookMs: number }> {
  const startedMs = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - startedMs };
}
