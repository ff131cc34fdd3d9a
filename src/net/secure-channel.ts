// Connections between nodes: TLS 1.3 over TCP, both sides with a certificate by the cluster's authority. Nothing passes before both have
// been checked; who was refused, and why, is told.

import { connect, createServer, type PeerCertificate, type Server, type TLSSocket } from 'node:tls';

/** As PEM. */
export interface Credentials {
  readonly key: string;
  readonly certificate: string;
  /** Authorities whose certificates are accepted. */
  readonly authorities: readonly string[];
}

export interface SecureChannel {
  /** The peer's subjectAltName, as "URI:…, DNS:…". */
  readonly subjectAltNames: string | undefined;
  /** Of the peer's certificate, in hexadecimal. */
  readonly serial: string;
  readonly address: string;
  /** Bytes that the peer has not taken yet. */
  readonly queuedBytes: number;
  send(bytes: Uint8Array): void;
  /** Sends what is queued, then ends the connection. */
  close(): void;
}

/** What happens on a channel. `bytes` may be called at once, so it is to be set when `opened` returns. */
export interface ChannelHandlers {
  bytes(chunk: Uint8Array): void;
  /** Once, whoever ended it. */
  closed(reason: string): void;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly credentials: () => Credentials;
  readonly opened: (channel: SecureChannel) => ChannelHandlers;
  /** A connection that was refused before it opened. */
  readonly refused: (address: string, reason: string) => void;
}

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  readonly timeoutMs: number;
  readonly opened: (channel: SecureChannel) => ChannelHandlers;
  readonly refused: (reason: string) => void;
}

const tlsOptions = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

export function listen({ host, port, credentials, opened, refused }: ListenOptions): Promise<Listener> {
  const sockets = new Set<TLSSocket>();
  const { key, certificate, authorities } = credentials();
  const server = createServer(
    { ...tlsOptions, key, cert: certificate, ca: [...authorities], requestCert: true, rejectUnauthorized: false },
    (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      const address = socket.remoteAddress ?? 'unknown';
      // Checked here rather than by the option, so that the reason is known.
      if (!socket.authorized) {
        refused(address, reasonOf(socket));
        return void socket.destroy();
      }
      attach(socket, address, opened);
    },
  );
  server.on('tlsClientError', (error, socket) => {
    refused(socket?.remoteAddress ?? 'unknown', error.message);
    socket?.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve({ port: portOf(server), close: () => closeAll(server, sockets) }));
  });
}

/** Returns what gives the attempt up. */
export function dial({ host, port, credentials, timeoutMs, opened, refused }: DialOptions): () => void {
  const { key, certificate, authorities } = credentials;
  let isOver = false;
  const socket = connect({
    ...tlsOptions,
    host,
    port,
    key,
    cert: certificate,
    ca: [...authorities],
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
    if (!socket.authorized && String(socket.authorizationError) !== 'ERR_TLS_CERT_ALTNAME_INVALID')
      return give(reasonOf(socket));
    isOver = true;
    clearTimeout(timer);
    attach(socket, `${host}:${port}`, opened);
  });
  return () => give('Given up.');
}

function attach(socket: TLSSocket, address: string, opened: (channel: SecureChannel) => ChannelHandlers): void {
  socket.setNoDelay(true);
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate() ?? {};
  let trouble = 'The peer closed the connection.';
  const handlers = opened({
    subjectAltNames: certificate.subjectaltname,
    serial: certificate.serialNumber ?? '',
    address,
    get queuedBytes() {
      return socket.writableLength;
    },
    send: (bytes) => void socket.write(bytes),
    close: () => {
      trouble = 'This node closed the connection.';
      socket.end();
    },
  });
  socket.on('data', (chunk: Uint8Array) => handlers.bytes(chunk));
  socket.on('error', (error: Error) => {
    trouble = error.message;
  });
  socket.once('close', () => handlers.closed(trouble));
}

function reasonOf(socket: TLSSocket): string {
  const certificate = socket.getPeerCertificate();
  const who = certificate?.subject?.CN ?? 'a peer without a certificate';
  return `The certificate of ${who} is not accepted: ${String(socket.authorizationError ?? 'there is none')}.`;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

function closeAll(server: Server, sockets: ReadonlySet<TLSSocket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
