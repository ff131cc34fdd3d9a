// TLS of the node's ports, where it is configured. Its modules are loaded only there.

import { ZerohopError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { TlsFiles } from '../protocols/http/index.ts';

/** Undefined: no TLS. Throws INVALID_CONFIG. */
export async function readTls({ tls }: Config): Promise<TlsFiles | undefined> {
  const isThere = tls.certificate !== '' || tls.key !== '' || tls.authority !== '' || tls.clients !== 'none';
  if (!isThere) {
    if (tls.redirectPort === 0) return undefined;
    throw new ZerohopError('INVALID_CONFIG', 'tls.redirectPort leads to HTTPS: it needs tls.certificate and tls.key.');
  }
  const { readTlsFiles } = await import('../protocols/http/index.ts');
  return readTlsFiles(tls);
}

/** Whoever comes by plain HTTP is sent on. */
export async function openRedirect(
  { http, tls }: Config,
  httpPort: number,
): Promise<{ stop(): Promise<void> } | undefined> {
  if (tls.redirectPort === 0) return undefined;
  const { redirectToTls } = await import('../protocols/http/index.ts');
  try {
    return redirectToTls(http.host, tls.redirectPort, httpPort);
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    throw new ZerohopError(
      'INVALID_CONFIG',
      `Port ${tls.redirectPort} (tls.redirectPort) can not be listened on (${String(code)}). Set another with --tls-redirect-port.`,
    );
  }
}
