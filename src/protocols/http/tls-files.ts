// Certificate, key and authorities in files: read, checked that they belong together, and read again when they change.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type Logger, ZerohopError } from '../../base/index.ts';

/** What the configuration says; '' is none. */
export interface TlsSettings {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly clients: 'none' | 'optional' | 'required';
  /** What of a client's certificate is the user; none: nothing, credentials say who it is. */
  readonly clientName: 'commonName' | 'email' | 'none';
  readonly hstsSeconds: number;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/** How often files are looked at, in ms. */
const lookMs = 1_000;

/** Undefined: no TLS. Throws INVALID_CONFIG, in one line, for what is missing or does not fit. */
export function readTlsFiles(settings: TlsSettings): TlsFiles | undefined {
  const { certificate, key, authority, clients } = settings;
  if (certificate === '' && key === '' && authority === '' && clients === 'none') return undefined;
  if (certificate === '' || key === '')
    throw invalid('TLS needs both tls.certificate and tls.key, each the path of a PEM file.');
  if (clients !== 'none' && authority === '')
    throw invalid(
      'tls.clients needs tls.authority: a PEM file with the authorities that certificates of clients are by.',
    );
  const files = {
    cert: read('tls.certificate', certificate),
    key: read('tls.key', key),
    ca: authority === '' ? undefined : read('tls.authority', authority),
  };
  const own = certificateOf('tls.certificate', certificate, files.cert);
  if (files.ca !== undefined) certificateOf('tls.authority', authority, files.ca);
  let isOfKey: boolean;
  try {
    isOfKey = own.checkPrivateKey(createPrivateKey(files.key));
  } catch {
    throw invalid(`tls.key: ${key} holds no private key that can be read (PEM, without a passphrase).`);
  }
  if (isOfKey) return files;
  throw invalid(`tls.certificate and tls.key do not belong together: ${certificate} is not the certificate of ${key}.`);
}

/**
 * Tells of files that have changed and fit; of those that do not, the log tells once, and what was goes on. Gives what ends it. A link that
 * leads elsewhere is a change too, as when secrets are mounted.
 */
export function followTlsFiles(settings: TlsSettings, log: Logger, changed: (files: TlsFiles) => void): () => void {
  let known = stateOf(settings);
  const timer = setInterval(() => {
    const state = stateOf(settings);
    if (state === known) return;
    known = state;
    try {
      const files = readTlsFiles(settings);
      if (files) changed(files);
      log.info('TLS: the files have changed, and count for new connections.');
    } catch (error) {
      log.error(`TLS goes on as it was: ${error instanceof Error ? error.message : String(error)}`);
    }
  }, lookMs).unref();
  return () => clearInterval(timer);
}

function stateOf({ certificate, key, authority }: TlsSettings): string {
  const of = (path: string) => {
    const entry = path === '' ? undefined : statSync(path, { throwIfNoEntry: false });
    return entry === undefined ? '' : `${entry.ino}:${entry.size}:${entry.mtimeMs}`;
  };
  return [certificate, key, authority].map(of).join(' ');
}

function read(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    throw invalid(
      code === 'ENOENT' ? `${name}: there is no file ${path}.` : `${name}: ${path} can not be read (${String(code)}).`,
    );
  }
}

function certificateOf(name: string, path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid(`${name}: ${path} holds no certificate in PEM.`);
  }
}

function invalid(message: string): ZerohopError {
  return new ZerohopError('INVALID_CONFIG', message);
}
