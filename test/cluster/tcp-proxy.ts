// A line between two nodes that can be slow and can be cut: forwards bytes of TCP connections, each chunk after half the round trip.

import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** There and back, in ms. */
  roundTripMs: number;
  #isCut = false;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(server: Server, port: number, roundTripMs: number) {
    this.#server = server;
    this.port = port;
    this.roundTripMs = roundTripMs;
  }

  /** @param target port on this machine */
  static start(target: number, { port = 0, roundTripMs = 0 } = {}): Promise<TcpProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer((from) => proxy.#carry(from, connect({ host: '127.0.0.1', port: target })));
      let proxy: TcpProxy;
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        proxy = new TcpProxy(server, typeof address === 'object' && address ? address.port : 0, roundTripMs);
        resolve(proxy);
      });
    });
  }

  /** While it is cut nothing passes and nothing is told: as when a cable is pulled. */
  set isCut(isCut: boolean) {
    const wasCut = this.#isCut;
    this.#isCut = isCut;
    if (isCut || !wasCut) return;
    // What was lost meanwhile can not be made up for.
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #carry(one: Socket, other: Socket): void {
    const pair = [one, other] as const;
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (chunk: Uint8Array) => {
        if (this.#isCut) return;
        if (this.roundTripMs === 0) return void to.write(chunk);
        setTimeout(() => {
          if (!this.#isCut && !to.destroyed) to.write(chunk);
        }, this.roundTripMs / 2);
      });
      from.on('error', end);
      from.on('close', end);
    }
  }
}
