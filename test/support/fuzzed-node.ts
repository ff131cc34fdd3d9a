// A node that is sent nonsense, and what must be true of its answers and of itself afterwards.

import { expect } from 'bun:test';
import { type Answer, ConnectionLost, HttpConnection, json } from './http-connection.ts';
import { fetchMetrics, sumOf } from './metrics-page.ts';
import { startNode, type TestNode } from './start-node.ts';

export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export class FuzzedNode implements AsyncDisposable {
  readonly node: TestNode;
  #connection: HttpConnection | undefined;

  private constructor(node: TestNode) {
    this.node = node;
  }

  static async start(threads = 1): Promise<FuzzedNode> {
    return new FuzzedNode(await startNode({ app: 'faults', threads }));
  }

  /** Asks, and checks that the answer is no failure: below 500, and a problem with a code from 400 on. */
  async ask({ method, target, body, headers }: Asked): Promise<Answer> {
    if (this.#connection === undefined || this.#connection.isClosed)
      this.#connection = await HttpConnection.open(this.node.port);
    const connection = this.#connection;
    const answer = await connection
      .request(method, target, { ...(body !== undefined && { body }), ...(headers && { headers }) })
      .catch((error: Error) => {
        throw new Error(`${method} ${target.slice(0, 200)}: ${error.message}`, { cause: error });
      });
    checkAnswer(answer, method);
    if (answer.headers.get('connection')?.toLowerCase() === 'close') {
      connection.close();
      this.#connection = undefined;
    }
    return answer;
  }

  /**
   * Sends bytes that need not be HTTP on a connection of their own. Undefined: the node closed it without an answer, or waits for more.
   * Checks that an answer is no failure.
   */
  async sendRaw(bytes: string | Uint8Array): Promise<Answer | undefined> {
    const connection = await HttpConnection.open(this.node.port);
    const patience = setTimeout(() => connection.close(), patienceMs);
    try {
      const answering = connection.answer();
      connection.send(bytes);
      const answer = await answering;
      // RFC 9110 §15.6.6: a version of HTTP that is none is a 505.
      if (answer.status >= 500 && answer.status !== 505) {
        const sent = JSON.stringify(Buffer.from(bytes).toString('latin1'));
        throw new Error(`${sent.slice(0, 500)} is answered ${answer.status} ${answer.body}`);
      }
      return answer;
    } catch (error) {
      if (error instanceof ConnectionLost) return undefined;
      throw error;
    } finally {
      clearTimeout(patience);
      connection.close();
    }
  }

  /** Runs `work` once to warm up and then again: the memory taken must not grow with it. Bytes. */
  async expectFlatMemory(work: () => Promise<void>, rounds: number): Promise<void> {
    await work();
    await work();
    const before = await this.#memory();
    for (let round = 0; round < rounds; round++) await work();
    const grown = (await this.#memory()) - before;
    expect(grown).toBeLessThan(largestGrowth);
  }

  /** It is the same process, all its threads are those it began with, and nothing in its log says that it failed. */
  async expectUnharmed(): Promise<void> {
    expect((await fetch(`${this.node.url}/health`)).status).toBe(200);
    expect(sumOf(await fetchMetrics(this.node.operationsUrl), 'zerohop_thread_restarts_total')).toBe(0);
    expect(this.node.output.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    expect(await this.node.stop()).toBe(0);
  }

  async #memory(): Promise<number> {
    return sumOf(await fetchMetrics(this.node.operationsUrl), 'zerohop_resident_memory_bytes');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection?.close();
    await this.node[Symbol.asyncDispose]();
  }
}

/** How long a node may be silent before it counts as waiting for the rest of a request. */
const patienceMs = 300;

/** Garbage collectors are lazy: a leak would be many times this. */
const largestGrowth = 100_000_000;

function checkAnswer(answer: Answer, method: string): void {
  const { status, headers, body } = answer;
  // What nobody can confirm on a node without peers is said so, with a code of its own.
  const isUnconfirmed = status === 504 && body.includes('"code":"NOT_CONFIRMED"');
  if (status >= 500 && !isUnconfirmed) throw new Error(`${status}: ${body}`);
  if (status < 400 || method === 'HEAD') return;
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(json(answer)).toMatchObject({ status, code: expect.stringMatching(/^[A-Z_]+$/), detail: expect.any(String) });
}
