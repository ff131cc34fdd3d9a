// Connections between nodes: TLS 1.3 over TCP, both sides with a certificate by the cluster's authority. Nothing passes before both have
// been checked; who was refused, and why, is told.

import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls';
import { addressOf, closeAll, portOf } from './sockets.ts';
import {
  type Channel,
  type ChannelHandlers,
  type Credentials,
  closings,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type Transport,
} from './transport.ts';

const tlsOptions = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

/** @param credentials asked at each dial and each listen */
export function overTls(credentials: () => Credentials): Transport {
  return {
    listen: (options) => listen(options, credentials()),
    dial: (options) => dial(options, credentials()),
  };
}

/** Connects as somebody without a certificate, to a peer that is not checked: who it is, the caller finds out by its certificate. */
export function dialAsGuest(options: DialOptions): () => void {
  return dial(options, undefined);
}

function listen({ host, port, opened, guest, refused }: ListenOptions, credentials: Credentials): Promise<Listener> {
  const sockets = new Set<TLSSocket>();
  const { key, certificate, authorities } = credentials;
  const server = createServer(
    { ...tlsOptions, key, cert: certificate, ca: [...authorities], requestCert: true, rejectUnauthorized: false },
    (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      const address = addressOf(socket);
      if (socket.authorized) return attach(socket, address, opened);
      if (guest && rawCertificateOf(socket) === undefined) return attach(socket, address, guest);
      // Checked here rather than by the option, so that the reason is known.
      refused(address, reasonOf(socket));
      socket.destroy();
    },
  );
  server.on('tlsClientError', (error, socket) => {
    refused(socket?.remoteAddress ?? 'unknown', error.message);
    socket?.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () =>
      resolve({ port: portOf(server), close: (keepOpen) => closeAll(server, keepOpen ? [] : sockets) }),
    );
  });
}

function dial(options: DialOptions, credentials: Credentials | undefined): () => void {
  const { host, port, timeoutMs, opened, refused } = options;
  let isOver = false;
  const socket = connect({
    ...tlsOptions,
    host,
    port,
    ...(credentials && { key: credentials.key, cert: credentials.certificate, ca: [...credentials.authorities] }),
    rejectUnauthorized: false,
  });
  const give = (reason: string) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    socket.destroy();
    refused(reason);
  };
  const timer = setTimeout(() => give(`No connection within ${timeoutMs} ms.`), timeoutMs);
  socket.once('error', (error: Error) => give(error.message));
  socket.once('close', () => give('The peer closed the connection before it was open.'));
  socket.once('secureConnect', () => {
    if (isOver) return;
    // Names of hosts say nothing here: who the peer is stands in its certificate.
    const isGood = socket.authorized || String(socket.authorizationError) === 'ERR_TLS_CERT_ALTNAME_INVALID';
    if (credentials && !isGood) return give(reasonOf(socket));
    isOver = true;
    clearTimeout(timer);
    attach(socket, `${host}:${port}`, opened);
  });
  return () => give('Given up.');
}

function attach(socket: TLSSocket, address: string, opened: (channel: Channel) => ChannelHandlers): void {
  socket.setNoDelay(true);
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate() ?? {};
  let trouble: string = closings.there;
  const handlers = opened({
    subjectAltNames: certificate.subjectaltname,
    certificate: certificate.raw,
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
  socket.on('data', (chunk: Uint8Array) => handlers.bytes(chunk));
  socket.on('error', (error: Error) => {
    trouble = error.message;
  });
  socket.once('close', () => handlers.closed(trouble));
}

function rawCertificateOf(socket: TLSSocket): Uint8Array | undefined {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate() ?? {};
  return certificate.raw;
}

function reasonOf(socket: TLSSocket): string {
  const certificate = socket.getPeerCertificate();
  const who = certificate?.subject?.CN ?? 'a peer without a certificate';
  return `The certificate of ${who} is not accepted: ${String(socket.authorizationError ?? 'there is none')}.`;
}
