export { overPlainTcp } from './plain-transport.ts';
export { dialAsGuest, overTls } from './tls-transport.ts';
export type * from './transport.ts';
