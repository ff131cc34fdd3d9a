// How bytes get from node to node: the same face over TLS and, for experiments on one machine, over plain TCP.

/** What `closed` says of connections that were ended in good order. */
export const closings = {
  here: 'This node closed the connection.',
  there: 'The peer closed the connection.',
} as const;

/** As PEM. */
export interface Credentials {
  readonly key: string;
  readonly certificate: string;
  /** Authorities whose certificates are accepted. */
  readonly authorities: readonly string[];
}

export interface Channel {
  /** The peer's subjectAltName, as "URI:…, DNS:…". */
  readonly subjectAltNames: string | undefined;
  /** The peer's certificate as DER; undefined: it showed none. */
  readonly certificate: Uint8Array | undefined;
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
  readonly opened: (channel: Channel) => ChannelHandlers;
  /** Somebody without a certificate; absent: refused. */
  readonly guest?: (channel: Channel) => ChannelHandlers;
  /** A connection that was refused before it opened. */
  readonly refused: (address: string, reason: string) => void;
}

export interface Listener {
  readonly port: number;
  /** @param keepOpen what is connected goes on; only nobody new comes in */
  close(keepOpen?: boolean): Promise<void>;
}

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly opened: (channel: Channel) => ChannelHandlers;
  readonly refused: (reason: string) => void;
}

export interface Transport {
  listen(options: ListenOptions): Promise<Listener>;
  /** Returns what gives the attempt up. */
  dial(options: DialOptions): () => void;
}
