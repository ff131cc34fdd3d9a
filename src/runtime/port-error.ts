// Ports that can't be listened on, in plain words.

import { ZerohopError } from '../base/index.ts';

/** Throws INVALID_CONFIG when something listens on the port already: with `reusePort` two nodes could otherwise share it unnoticed. */
export function checkPortFree(hostname: string, port: number, key: string): void {
  if (port === 0) return;
  try {
    Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
  } catch (error) {
    throw portError(error, key, port);
  }
}

/** @param key of the configuration: 'http.port' */
export function portError(error: unknown, key: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  const variable = `ZEROHOP_${key.toUpperCase().replace('.', '_')}`;
  if (code === 'EADDRINUSE') {
    return new ZerohopError(
      'INVALID_CONFIG',
      `Port ${port} (${key}) is in use. Stop what listens there, or set another with ${variable}.`,
    );
  }
  if (code === 'EACCES') {
    return new ZerohopError(
      'INVALID_CONFIG',
      `Port ${port} (${key}) needs more rights than this user has. Set one above 1023 with ${variable}.`,
    );
  }
  return error;
}
