// Many clients that write as fast as they are answered, and remember exactly what they were promised.
//
// Each has a connection of its own. Odd turns post a pair (two tables, one transaction), even turns overwrite the writer's own Tally
// with a larger value.

import type { Database } from 'bun:sqlite';
import { ConnectionLost, HttpConnection } from './http-connection.ts';

export class Writers {
  readonly #port: number;
  readonly #count: number;
  /** Ids of pairs that were acknowledged. */
  readonly pairs = new Set<string>();
  /** Writer → the largest value acknowledged, and the largest sent. */
  readonly acknowledged = new Map<number, number>();
  readonly #sent = new Map<number, number>();
  /** Answers that were no success, by 'status code'. */
  readonly refusals = new Map<string, number>();
  #isStopped = false;
  #isCounting = true;
  #running: Promise<unknown> = Promise.resolve();

  constructor(port: number, count: number) {
    this.#port = port;
    this.#count = count;
  }

  get acknowledgements(): number {
    return this.pairs.size + this.acknowledged.size;
  }

  /** Answers that arrive from now on promise nothing. */
  countNoMore(): void {
    this.#isCounting = false;
  }

  /** Resolves when all are connected and writing. */
  async start(): Promise<void> {
    const connections = await Promise.all(Array.from({ length: this.#count }, () => HttpConnection.open(this.#port)));
    this.#running = Promise.all(connections.map((connection, writer) => this.#write(connection, writer + 1)));
  }

  /** Tells all to stop after the answer they wait for; resolves when they have. Also when the node is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** What the file does not have though it was promised, and what it has by halves. None when all is well. */
  faultsIn(database: Database): string[] {
    const stored = new Set(database.query('SELECT _id FROM "Left" WHERE _body IS NOT NULL').values().flat());
    const lost = [...this.pairs].filter((id) => !stored.has(id));
    const halves = database
      .query(
        `SELECT _id FROM (SELECT _id, _seq FROM "Left" EXCEPT SELECT _id, _seq FROM "Right")
         UNION SELECT _id FROM (SELECT _id, _seq FROM "Right" EXCEPT SELECT _id, _seq FROM "Left")`,
      )
      .values();
    const tallies = new Map<unknown, number>(
      database
        .query('SELECT _id, json_extract(_body, \'$.value\') FROM "Tally"')
        .values()
        .map(([id, value]) => [id, Number(value)]),
    );
    const stale = [...this.acknowledged].filter(([writer, value]) => {
      const kept = tallies.get(writer) ?? -1;
      return kept < value || kept > (this.#sent.get(writer) ?? 0);
    });
    return [
      ...lost.map((id) => `pair ${id} was acknowledged and is lost`),
      ...halves.map(([id]) => `pair ${id} is there by half`),
      ...stale.map(([writer, value]) => `tally ${writer}: ${value} acknowledged, ${tallies.get(writer)} kept`),
    ];
  }

  async #write(connection: HttpConnection, writer: number): Promise<void> {
    try {
      for (let turn = 1; !this.#isStopped; turn++) {
        if (turn % 2 === 1) await this.#postPair(connection, writer);
        else await this.#putTally(connection, writer, Date.now() * 1000 + turn);
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
    } finally {
      connection.close();
    }
  }

  async #postPair(connection: HttpConnection, writer: number): Promise<void> {
    const id = crypto.randomUUID();
    const answer = await connection.request('POST', '/Pair/', { body: JSON.stringify({ id, writer }) });
    if (!this.#isCounting) return;
    if (answer.status < 300) this.pairs.add(id);
    else this.#refused(answer.status, answer.body);
  }

  async #putTally(connection: HttpConnection, writer: number, value: number): Promise<void> {
    this.#sent.set(writer, value);
    const body = JSON.stringify({ id: writer, value });
    const answer = await connection.request('PUT', `/Tally/${writer}`, { body });
    if (!this.#isCounting) return;
    if (answer.status < 300) this.acknowledged.set(writer, value);
    else this.#refused(answer.status, answer.body);
  }

  #refused(status: number, body: Buffer): void {
    const code = /"code":"(\w+)"/.exec(body.toString())?.[1] ?? '';
    const key = `${status} ${code}`;
    this.refusals.set(key, (this.refusals.get(key) ?? 0) + 1);
  }
}
