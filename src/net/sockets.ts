// What listeners of both kinds share.

import type { Server, Socket } from 'node:net';

/** Of the other end; IPv4 as such, also where it comes in on an IPv6 socket (RFC 4291 §2.5.5.2). */
export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Resolves when nobody new comes in. @param sockets are ended */
export function closeAll(server: Server, sockets: Iterable<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const ended = [...sockets];
  for (const socket of ended) socket.destroy();
  // A server counts as closed when its last connection is: one that is to go on is not waited for.
  return Promise.race([closed, new Promise<void>((resolve) => setImmediate(resolve))]);
}
