// Connections without encryption, for experiments on one machine. Each side says in its first line who it is, and is believed.

import { connect, createServer, type Socket } from 'node:net';
import { addressOf, closeAll, portOf } from './sockets.ts';
import { type Channel, type ChannelHandlers, closings, type Transport } from './transport.ts';

const preamble = 'zerohop-insecure ';
const longestLine = 2048;

/** @param identity what a certificate would say: 'URI:zerohop://CLUSTER/NODE' */
export function overPlainTcp(identity: string): Transport {
  const line = `${preamble}${identity}\n`;
  return {
    listen: ({ host, port, opened, refused }) => {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        const address = addressOf(socket);
        meet(socket, address, line, opened, (reason) => refused(address, reason));
      });
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () =>
          resolve({ port: portOf(server), close: (keepOpen) => closeAll(server, keepOpen ? [] : sockets) }),
        );
      });
    },
    dial: ({ host, port, timeoutMs, opened, refused }) => {
      const socket = connect({ host, port });
      let isOver = false;
      const once = (reason: string) => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        socket.destroy();
        refused(reason);
      };
      const timer = setTimeout(() => once(`No connection within ${timeoutMs} ms.`), timeoutMs);
      const met = (channel: Channel) => {
        isOver = true;
        clearTimeout(timer);
        return opened(channel);
      };
      meet(socket, `${host}:${port}`, line, met, once);
      return () => once('Given up.');
    },
  };
}

function meet(
  socket: Socket,
  address: string,
  line: string,
  opened: (channel: Channel) => ChannelHandlers,
  refused: (reason: string) => void,
): void {
  socket.setNoDelay(true);
  socket.write(line);
  let head = Buffer.alloc(0);
  let handlers: ChannelHandlers | undefined;
  let trouble: string = closings.there;
  socket.on('data', (chunk: Uint8Array) => {
    if (handlers) return handlers.bytes(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end < 0 && head.byteLength <= longestLine) return;
    const said = head.subarray(0, Math.max(0, end)).toString();
    if (!said.startsWith(preamble)) {
      refused('The peer does not speak without encryption: set replication.insecure on both nodes, or on none.');
      return void socket.destroy();
    }
    handlers = opened({
      subjectAltNames: said.slice(preamble.length),
      certificate: undefined,
      address,
      get queuedBytes() {
        return socket.writableLength;
      },
      send: (bytes) => void socket.write(bytes),
      close: () => {
        trouble = closings.here;
        socket.end();
      },
    });
    if (end + 1 < head.byteLength) handlers.bytes(head.subarray(end + 1));
  });
  socket.on('error', (error: Error) => {
    trouble = error.message;
  });
  socket.once('close', () => (handlers ? handlers.closed(trouble) : refused(trouble)));
}
