// A connection that is kept open, with one request on it at a time.

import { type Answer, parseAnswer } from './answer.ts';

export class Connection {
  readonly #socket: Bun.Socket<undefined>;
  #answered: ((answer: Answer | undefined) => void) | undefined;
  #rest: Buffer | undefined;
  #isOpen = true;

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<Connection> {
    let connection: Connection | undefined;
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data(_socket, bytes) {
          if (connection) connection.#read(bytes);
        },
        close: () => connection?.close(),
        error: () => connection?.close(),
      },
    });
    connection = new Connection(socket);
    return connection;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @param answered told once: the answer, or undefined when there will be none */
  ask(request: string, answered: (answer: Answer | undefined) => void): void {
    if (!this.#isOpen) return answered(undefined);
    this.#answered = answered;
    this.#socket.write(request);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.terminate();
    this.#tell(undefined);
  }

  #read(bytes: Buffer): void {
    const all = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    try {
      const answer = parseAnswer(all);
      // What came belongs to the socket: it is used again.
      if (answer === undefined) this.#rest = Buffer.from(all);
      else this.#tell(answer);
    } catch {
      this.close();
    }
  }

  #tell(answer: Answer | undefined): void {
    const answered = this.#answered;
    this.#answered = undefined;
    this.#rest = undefined;
    answered?.(answer);
  }
}
