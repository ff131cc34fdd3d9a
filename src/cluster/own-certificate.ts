// How a node takes part that nobody admits: with a certificate by an authority of one's own, or without any, on one machine.

import { readFileSync } from 'node:fs';
import { ZerohopError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { Credentials } from '../net/index.ts';
import { identityIn } from './certificates.ts';

/** The certificate that the configuration names. Throws INVALID_CONFIG. */
export async function readOwnCertificate(
  config: Config['replication'],
  node: string,
  nowMs: number,
): Promise<{ readonly credentials: Credentials; readonly cluster: string }> {
  const certificate = read(config.certificate, 'file replication.certificate');
  const authority = read(config.authority, 'file replication.authority');
  const credentials = { certificate, key: read(config.key, 'file replication.key'), authorities: [authority] };
  const identity = await identityIn(certificate, authority, nowMs);
  if (identity?.node === node) return { credentials, cluster: identity.cluster };
  throw new ZerohopError(
    'INVALID_CONFIG',
    identity === undefined
      ? `The certificate ${config.certificate} is not valid now, not by the authority of replication.authority, or names no node as URI:zerohop://CLUSTER/${node}.`
      : `The certificate ${config.certificate} is for the node ${identity.node}; this node is ${node}.`,
  );
}

/** Throws INVALID_CONFIG where a node without encryption could be reached from elsewhere, or reach out. */
export function checkInsecure({ host, routes }: Config['replication']): void {
  const open = [host, ...routes.map((route) => route.host)].find((place) => !isHere(place));
  if (open !== undefined)
    throw new ZerohopError(
      'INVALID_CONFIG',
      `replication.insecure is for experiments on one machine, and ${open} (of replication.host and replication.routes) may be reached from others. Use 127.0.0.1, or remove replication.insecure.`,
    );
}

function isHere(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function read(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new ZerohopError('INVALID_CONFIG', `The ${what} ${path || '(not set)'} can not be read.`);
  }
}
