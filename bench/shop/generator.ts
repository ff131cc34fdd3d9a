// bun generator.ts '{"port":…,"users":…,…}'
//
// Virtual users, each with a connection of its own that is kept open: asks, waits for the answer, thinks, asks again. A process of its own, so that
// nothing else disturbs its clock; prints its figures as JSON. Users begin spread over the time they think (one second at least), as people do.

import { AnswerReader } from './answer-reader.ts';
import { Recorder } from './recorder.ts';

export interface Crowd {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly users: number;
  /** 0: the next request leaves when the answer is there. */
  readonly thinkMs: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /** How long answers are waited for that are not there when the time is over. */
  readonly drainMs: number;
  readonly paths: readonly string[];
}

const rampMs = 1000;
/** After a connection that failed. */
const reconnectMs = 100;

if (import.meta.main) {
  // The crowd is what shop/think.ts wrote.
  const crowd = JSON.parse(await Bun.stdin.text()) as Crowd;
  console.log(JSON.stringify(await run(crowd)));
  process.exit(0);
}

async function run(crowd: Crowd): Promise<unknown> {
  const startedMs = performance.now();
  const usedBefore = process.cpuUsage();
  const endMs = startedMs + crowd.warmUpMs + crowd.measuredMs;
  const recorder = new Recorder(startedMs + crowd.warmUpMs, endMs);
  const requests = crowd.paths.map((path) =>
    Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${crowd.port}\r\nAccept: application/json\r\n\r\n`),
  );
  const users = Array.from({ length: crowd.users }, (_, at) => {
    const user = new User(crowd, requests, recorder, endMs);
    setTimeout(() => user.begin(), (at / crowd.users) * rampMs);
    return user;
  });
  await Bun.sleep(endMs - startedMs);
  const drainedMs = performance.now() + crowd.drainMs;
  while (users.some((user) => user.isWaiting) && performance.now() < drainedMs) await Bun.sleep(10);
  for (const user of users) user.end();
  const { user, system } = process.cpuUsage(usedBefore);
  return recorder.figures((user + system) / 1000 / (performance.now() - startedMs));
}

type Socket = Bun.Socket<undefined>;

class User {
  readonly #crowd: Crowd;
  readonly #requests: readonly Buffer[];
  readonly #recorder: Recorder;
  readonly #endMs: number;
  #socket: Socket | undefined;
  /** When the request left that is not answered; undefined when there is none. */
  #sentMs: number | undefined;

  constructor(crowd: Crowd, requests: readonly Buffer[], recorder: Recorder, endMs: number) {
    this.#crowd = crowd;
    this.#requests = requests;
    this.#recorder = recorder;
    this.#endMs = endMs;
  }

  get isWaiting(): boolean {
    return this.#sentMs !== undefined;
  }

  async begin(): Promise<void> {
    try {
      const reader = new AnswerReader((status) => this.#answered(status));
      this.#socket = await Bun.connect({
        hostname: '127.0.0.1',
        port: this.#crowd.port,
        socket: {
          data: (_socket, bytes) => this.#read(reader, bytes),
          close: (socket) => this.#closed(socket),
          error: () => {},
        },
      });
      this.#ask();
    } catch {
      const nowMs = performance.now();
      this.#recorder.failed('connect', nowMs, nowMs);
      this.#later(() => this.begin(), Math.max(reconnectMs, this.#crowd.thinkMs));
    }
  }

  /** Counts what it still waits for. */
  end(): void {
    if (this.#sentMs !== undefined) this.#recorder.failed('unfinished', this.#sentMs, performance.now());
    this.#sentMs = undefined;
    this.#socket?.terminate();
  }

  #ask(): void {
    const nowMs = performance.now();
    if (nowMs >= this.#endMs) return;
    const request = this.#requests[Math.floor(Math.random() * this.#requests.length)];
    if (!this.#socket) void this.begin();
    else if (request) {
      this.#sentMs = nowMs;
      this.#socket.write(request);
    }
  }

  #read(reader: AnswerReader, bytes: Uint8Array): void {
    try {
      reader.read(bytes);
    } catch {
      this.#lost('protocol');
      this.#socket?.terminate();
    }
  }

  #answered(status: number): void {
    if (this.#sentMs === undefined) return;
    this.#recorder.answered(this.#sentMs, performance.now(), status);
    this.#sentMs = undefined;
    if (this.#crowd.thinkMs === 0) this.#ask();
    else this.#later(() => this.#ask(), this.#crowd.thinkMs);
  }

  #closed(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    if (this.#sentMs === undefined) return;
    this.#lost('closed');
    this.#later(() => this.begin(), Math.max(reconnectMs, this.#crowd.thinkMs));
  }

  #lost(kind: 'closed' | 'protocol'): void {
    if (this.#sentMs !== undefined) this.#recorder.failed(kind, this.#sentMs, performance.now());
    this.#sentMs = undefined;
  }

  #later(work: () => void, ms: number): void {
    if (performance.now() + ms < this.#endMs) setTimeout(work, ms);
  }
}
