// Connections between nodes, over mutual TLS.

export { overPlainTcp } from './plain-transport.ts';
export { dialAsGuest, overTls } from './tls-transport.ts';
export type * from './transport.ts';
export { closings } from './transport.ts';
