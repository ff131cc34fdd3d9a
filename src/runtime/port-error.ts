// Addresses that can't be listened on, in plain words.

import { ZerohopError } from '../base/index.ts';

/** Where something listens, and the section of the configuration that says so. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly section: 'http' | 'operations' | 'agent';
}

/** Throws INVALID_CONFIG when something listens there already: with `reusePort` two nodes could otherwise share it unnoticed. */
export function checkPortFree(address: Address): void {
  if (address.port === 0) return;
  try {
    Bun.listen({ hostname: address.host, port: address.port, socket: { data() {} } }).stop(true);
  } catch (error) {
    throw listenError(error, address);
  }
}

/** What went wrong, as INVALID_CONFIG. */
export function listenError(error: unknown, { host, port, section }: Address): unknown {
  if (!(error instanceof Error)) return error;
  const variable = (key: string) => `ZEROHOP_${section.toUpperCase()}_${key}`;
  const code: unknown = Reflect.get(error, 'code');
  if (code === 'EADDRINUSE') {
    return new ZerohopError(
      'INVALID_CONFIG',
      `Port ${port} (${section}.port) is in use. Stop what listens there, or set another with --${section}-port or ${variable('PORT')}.`,
    );
  }
  if (code === 'EACCES') {
    return new ZerohopError(
      'INVALID_CONFIG',
      `Port ${port} (${section}.port) needs more rights than this user has. Set one above 1023 with --${section}-port or ${variable('PORT')}.`,
    );
  }
  if (code !== undefined && !noAddress.includes(code)) return error;
  return new ZerohopError(
    'INVALID_CONFIG',
    `${host} (${section}.host) is no address of this machine that can be listened on. Set one with --${section}-host or ${variable('HOST')}: 0.0.0.0 is all of them, 127.0.0.1 this machine alone.`,
  );
}

/** A name that can't be looked up has no code at all. */
const noAddress: readonly unknown[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'ENOTFOUND'];

/** The two doors of a node can't be the same. Throws INVALID_CONFIG. */
export function checkPortsDiffer(http: { readonly port: number }, operations: { readonly port: number }): void {
  if (http.port !== operations.port || http.port === 0) return;
  throw new ZerohopError(
    'INVALID_CONFIG',
    `http.port and operations.port are both ${http.port}. Set another for one of them with --http-port or --operations-port.`,
  );
}
