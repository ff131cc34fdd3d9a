// bun generator.ts < '{"port":…,"plan":…,"startMs":…}'
//
// Visitors: requests leave when they are due, at random times and whatever became of those before, for pages as popular as Zipf has it. A
// request's latency counts from when it was due. A process of its own; prints its figures as JSON.

import { numbersFrom } from '../pages/page-text.ts';
import { type Answer, headerOf, sourceOf } from './answer.ts';
import { Connection } from './connection.ts';
import { oldestAllowed, type Plan, pathOf, secondsOf } from './plan.ts';
import { type Figures, Seconds } from './seconds.ts';
import { Zipf } from './zipf.ts';

export interface Visit {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly plan: Plan;
  /** When it begins, in ms since 1970. */
  readonly startMs: number;
}

export interface Visited {
  readonly seconds: readonly Figures[];
  readonly phases: readonly Figures[];
  readonly all: Figures;
  /** Connections that were needed. */
  readonly connections: number;
  /** Bodies that were compared with what the origin makes. */
  readonly compared: number;
  /** Cores the generator used. At 1, requests may have left late. */
  readonly generatorCores: number;
  /** How late the latest request left, in ms. */
  readonly latestMs: number;
}

const firstConnections = 64;
const mostConnections = 4_000;
/** Longer than the origin's time limit. */
const timeoutMs = 10_000;
/** One body in so many is unpacked and compared. */
const compareEach = 50;
/** Clocks and answers under way, in ms. */
const graceMs = 1_000;

interface Due {
  readonly rank: number;
  readonly dueMs: number;
  readonly second: number;
}

class Visitors {
  readonly #visit: Visit;
  readonly #seconds: Seconds;
  readonly #idle: Connection[] = [];
  readonly #waiting: Due[] = [];
  readonly #underWay = new Map<Connection, Due>();
  #connections = 0;
  #compared = 0;
  #latestMs = 0;

  constructor(visit: Visit) {
    this.#visit = visit;
    this.#seconds = new Seconds(secondsOf(visit.plan));
  }

  async run(): Promise<Visited> {
    const { plan, startMs } = this.#visit;
    for (let count = 0; count < firstConnections; count++) await this.#connect();
    const [chance, zipf] = [numbersFrom(42), new Zipf(plan.pages)];
    const seconds = secondsOf(plan);
    const usedBefore = process.cpuUsage();
    const sweeper = setInterval(() => this.#sweep(), 250);
    let dueMs = startMs;
    await new Promise<void>((ended) => {
      const send = (): void => {
        const nowMs = preciseMs();
        for (; dueMs <= nowMs; dueMs += (Math.log(1 / (1 - chance())) * 1000) / plan.perSecond) {
          const second = Math.floor((dueMs - startMs) / 1000);
          if (second >= seconds) return ended();
          this.#latestMs = Math.max(this.#latestMs, nowMs - dueMs);
          this.#ask({ rank: zipf.rank(chance()), dueMs, second });
        }
        // A timer would be late by a millisecond or more.
        setImmediate(send);
      };
      send();
    });
    const { user, system } = process.cpuUsage(usedBefore);
    const generatorCores = (user + system) / 1e6 / seconds;
    while (this.#underWay.size + this.#waiting.length > 0) await Bun.sleep(20);
    clearInterval(sweeper);
    return this.#figures(generatorCores);
  }

  #figures(generatorCores: number): Visited {
    const { plan } = this.#visit;
    const count = secondsOf(plan);
    let from = 0;
    const phases = plan.phases.map(({ seconds }) => {
      from += seconds;
      return this.#seconds.figures(from - seconds, from);
    });
    return {
      seconds: Array.from({ length: count }, (_, second) => this.#seconds.figures(second, second + 1)),
      phases,
      all: this.#seconds.figures(0, count),
      connections: this.#connections,
      compared: this.#compared,
      generatorCores,
      latestMs: this.#latestMs,
    };
  }

  #ask(due: Due): void {
    for (let connection = this.#idle.pop(); connection; connection = this.#idle.pop())
      if (connection.isOpen) return this.#send(connection, due);
    this.#waiting.push(due);
    if (this.#connections < mostConnections) this.#connect().catch(() => this.#fail());
  }

  async #connect(): Promise<void> {
    this.#connections++;
    this.#free(await Connection.open(this.#visit.port));
  }

  /** No connection to be had: the oldest that waits for one fails. */
  #fail(): void {
    this.#connections--;
    const due = this.#waiting.shift();
    if (due) this.#seconds.failed(due.second, preciseMs() - due.dueMs);
  }

  #free(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next) this.#send(connection, next);
    else this.#idle.push(connection);
  }

  #send(connection: Connection, due: Due): void {
    const { port, plan } = this.#visit;
    this.#underWay.set(connection, due);
    const request = `GET ${pathOf(due.rank, plan.live)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n`;
    connection.ask(request, (answer) => this.#answered(connection, due, answer));
  }

  #answered(connection: Connection, due: Due, answer: Answer | undefined): void {
    const latencyMs = preciseMs() - due.dueMs;
    this.#underWay.delete(connection);
    if (!answer || answer.status >= 400 || !this.#isRight(answer, due)) this.#seconds.failed(due.second, latencyMs);
    else {
      const { plan } = this.#visit;
      // When it was asked for: what waits for its turn on a busy machine grows old on the way.
      const ageMs = Math.max(0, due.dueMs - Number(headerOf(answer.head, 'x-made')));
      const mostMs = oldestAllowed(plan, due.second, due.rank < plan.live) * 1000 + graceMs;
      this.#seconds.answered(due.second, latencyMs, sourceOf(answer.head), ageMs, mostMs);
    }
    if (connection.isOpen) this.#free(connection);
    else this.#connections--;
  }

  /** Whether it is the page that was asked for, of the time it says; looked into once in a while. */
  #isRight({ head, body }: Answer, { rank }: Due): boolean {
    const made = headerOf(head, 'x-made');
    if (made === undefined) return false;
    if (Math.random() * compareEach >= 1) return true;
    this.#compared++;
    const coding = headerOf(head, 'content-encoding');
    const text = (coding === 'zstd' ? Bun.zstdDecompressSync(body) : body).toString('latin1');
    return text.includes(`<title>Product ${rank}</title>`) && text.endsWith(`<!-- made ${made} -->`);
  }

  #sweep(): void {
    const oldest = preciseMs() - timeoutMs;
    for (const [connection, { dueMs }] of this.#underWay) if (dueMs < oldest) connection.close();
  }
}

/** Since 1970, with fractions. */
function preciseMs(): number {
  return performance.timeOrigin + performance.now();
}

if (import.meta.main) {
  // The visit is what drill.ts wrote.
  const visit = JSON.parse(await Bun.stdin.text()) as Visit;
  console.log(JSON.stringify(await new Visitors(visit).run()));
  process.exit(0);
}
