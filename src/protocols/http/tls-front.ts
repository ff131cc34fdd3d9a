// Connections of clients with certificates. Bun.serve can ask for a certificate, but tells nobody whose it is: so TLS ends here, and what is in
// it goes on to a listener on loopback that answers nobody else. Which connection there is whose is known by its port, from before its first
// byte until it is closed on this side: as long as the port is taken, nobody else can have it.
//
//   client ══TLS══▶ front ──loopback──▶ Bun.serve: fetch(request, peer)

import { connect, type Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../../security/index.ts';
import type { TlsFiles, TlsSettings } from './tls-files.ts';

/** Who is at the other end of a connection over TLS that ends in this process. */
export interface Peer {
  readonly address: string;
  /** Undefined: none was shown. */
  readonly certificate: ClientCertificate | undefined;
}

/** How long a handshake may take, in ms. */
const handshakeMs = 20_000;

export interface TlsFront {
  readonly port: number;
  /** By the port of a connection to the inner listener. */
  peerOf(port: number): Peer | undefined;
  use(files: TlsFiles): void;
  /** Accepts no more. */
  close(): void;
  /** Breaks what is left. */
  destroy(): void;
}

export interface TlsFrontOptions {
  readonly hostname: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly innerPort: number;
}

/** Rejects with what listening failed with, `code` EADDRINUSE or EACCES. */
export async function openTlsFront(
  files: TlsFiles,
  { clients, clientName }: TlsSettings,
  { hostname, port, reusePort, innerPort }: TlsFrontOptions,
): Promise<TlsFront> {
  const peers = new Map<number, Peer>();
  const sockets = new Set<Socket>();
  const shown = {
    requestCert: true,
    // Required: whoever has none by the authority gets no further than the handshake. Optional: it is told what is wrong with it.
    rejectUnauthorized: clients === 'required',
    minVersion: 'TLSv1.2' as const,
    handshakeTimeout: handshakeMs,
  };
  const server = createServer({ ...files, ...shown }, (socket) => {
    const peer = { address: socket.remoteAddress ?? '', certificate: certificateOf(socket, clientName) };
    const inner = connect({ host: '127.0.0.1', port: innerPort });
    sockets.add(socket);
    let innerOwnPort: number | undefined;
    const end = (): void => {
      if (innerOwnPort !== undefined) peers.delete(innerOwnPort);
      sockets.delete(socket);
      socket.destroy();
      inner.destroy();
    };
    inner.once('connect', () => {
      innerOwnPort = inner.localPort;
      if (innerOwnPort !== undefined) peers.set(innerOwnPort, peer);
      socket.pipe(inner);
      inner.pipe(socket);
    });
    socket.on('error', end).on('close', end);
    inner.on('error', end).on('close', () => {
      if (innerOwnPort !== undefined) peers.delete(innerOwnPort);
      // What was answered last may still be on its way.
      socket.end();
    });
  });
  // Handshakes that fail are the client's trouble.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: hostname, port, reusePort }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    peerOf: (one) => peers.get(one),
    use: (next) => server.setSecureContext({ ...next, ...shown }),
    close: () => void server.close(),
    destroy() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function certificateOf(socket: TLSSocket, field: TlsSettings['clientName']): ClientCertificate | undefined {
  const shown = socket.getPeerCertificate();
  if (shown === null || shown === undefined || Object.keys(shown).length === 0) return undefined;
  const fault = socket.authorized ? undefined : String(socket.authorizationError ?? 'it could not be verified');
  return { fault, name: nameOf(shown.subject, shown.subjectaltname, field), isUser: field !== 'none' };
}

/** One name and no other: of several, none counts. */
function nameOf(
  subject: unknown,
  alternatives: string | undefined,
  field: TlsSettings['clientName'],
): string | undefined {
  if (field === 'email') {
    const emails = (alternatives ?? '').split(', ').filter((name) => name.startsWith('email:'));
    return emails.length === 1 ? emails[0]?.slice('email:'.length) : undefined;
  }
  const name: unknown = typeof subject === 'object' && subject !== null ? Reflect.get(subject, 'CN') : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
}
