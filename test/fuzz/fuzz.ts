// Sends what requests.ts makes to a node of world.ts, and looks at each answer: no failure of the node, nothing that is hidden from who
// asked. The first seed of a run and the count per seed make it again.

import { type Answer, HttpConnection } from '../support/http-connection.ts';
import { fetchMetrics, sumOf } from '../support/metrics-page.ts';
import { type FuzzRequest, requestsOf } from './requests.ts';
import type { World } from './world.ts';

export interface Found {
  readonly seed: number;
  readonly what: string;
  readonly request: FuzzRequest;
}

export interface Tally {
  readonly found: Found[];
  /** Answers by door and status. */
  readonly answers: Map<string, number>;
}

/** Of each seed. */
export const requestsPerSeed = 200;

/** How long an answer may take, in ms: none of these requests is much work. */
const patienceMs = 20_000;

export async function fuzzSeed(world: World, seed: number, tally: Tally): Promise<void> {
  const { node, callers, operations } = world;
  const ports = { rest: node.port, operations: Number(new URL(node.operationsUrl).port) };
  const connections = new Map<string, HttpConnection>();
  for (const request of requestsOf(seed, requestsPerSeed, [...callers.keys()], operations)) {
    const caller = callers.get(request.caller);
    if (caller === undefined) throw new Error(`no caller ${request.caller}`);
    let connection = connections.get(request.door);
    if (connection === undefined || connection.isClosed) {
      connection = await HttpConnection.open(ports[request.door]);
      connections.set(request.door, connection);
    }
    const what = await tryOne(connection, request, caller.headers, caller.hidden, tally);
    if (what !== undefined) tally.found.push({ seed, what, request });
  }
  for (const connection of connections.values()) connection.close();
}

/** What is wrong with the answer; undefined: nothing. */
async function tryOne(
  connection: HttpConnection,
  { door, method, target, headers, body }: FuzzRequest,
  credentials: Readonly<Record<string, string>>,
  hidden: readonly string[],
  tally: Tally,
): Promise<string | undefined> {
  const patience = setTimeout(() => connection.close(), patienceMs);
  try {
    const answer = await connection.request(method, target, { body, headers: { ...headers, ...credentials } });
    const key = `${door} ${answer.status}`;
    tally.answers.set(key, (tally.answers.get(key) ?? 0) + 1);
    if (answer.headers.get('connection')?.toLowerCase() === 'close') connection.close();
    return wrongWith(answer, hidden);
  } catch (error) {
    connection.close();
    return `no whole answer: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    clearTimeout(patience);
  }
}

function wrongWith({ status, headers, body }: Answer, hidden: readonly string[]): string | undefined {
  const text = body.toString('latin1');
  // What is not supported, or not possible now, is said with a code of its own.
  const isSaid = (status === 501 || status === 503 || status === 504) && text.includes('"code":"');
  if (status >= 500 && !isSaid) return `${status} ${text.slice(0, 300)}`;
  const all = [...headers].join('\n') + text;
  const shown = hidden.find((one) => all.includes(one));
  return shown === undefined
    ? undefined
    : `${status} holds ${shown}, which is hidden from the caller: ${text.slice(0, 300)}`;
}

/** Bytes of memory that the node has. */
export async function memoryOf({ node }: World): Promise<number> {
  return sumOf(await fetchMetrics(node.operationsUrl), 'zerohop_resident_memory_bytes');
}

/** How often threads of the node died, and what its log says of failures. */
export async function troublesOf({ node }: World): Promise<string[]> {
  const restarts = sumOf(await fetchMetrics(node.operationsUrl), 'zerohop_thread_restarts_total');
  const errors = node.output.log.filter(({ level }) => level === 'error' || level === 'fatal');
  return [...(restarts > 0 ? [`${restarts} threads died`] : []), ...errors.map((entry) => JSON.stringify(entry))];
}

export function told({ seed, what, request }: Found): string {
  return `seed ${seed}: ${what}\n  ${JSON.stringify(request)}\n  again: npm run fuzz -- --seed ${seed} --seeds 1`;
}
