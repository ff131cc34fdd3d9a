// What lets a node into the cluster once: a secret, and the fingerprint of the cluster's authority, by which the node that joins knows that it
// talks to the right cluster before it gives the secret away.

import { ZerohopError } from '../base/index.ts';

const prefix = 'zhj_';
const secretBytes = 20;
const fingerprintBytes = 32;

export interface JoinToken {
  readonly secret: string;
  /** SHA-256 of the authority's certificate, in hexadecimal. */
  readonly authority: string;
}

export function newToken(authority: string): { readonly text: string; readonly hash: string } {
  const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(secretBytes)));
  const text = prefix + Buffer.concat([secret, Buffer.from(authority, 'hex')]).toString('base64url');
  return { text, hash: hashOf(secret.toString('hex')) };
}

/** Throws INVALID_REQUEST for a text that is no token. */
export function readToken(text: string): JoinToken {
  const bytes = Buffer.from(text.trim().slice(prefix.length), 'base64url');
  if (!text.trim().startsWith(prefix) || bytes.byteLength !== secretBytes + fingerprintBytes)
    throw new ZerohopError(
      'INVALID_REQUEST',
      'That is no token for joining. Make one on a member: zerohop cluster token',
    );
  return {
    secret: bytes.subarray(0, secretBytes).toString('hex'),
    authority: bytes.subarray(secretBytes).toString('hex'),
  };
}

export function hashOf(secret: string): string {
  return new Bun.CryptoHasher('sha256').update(secret).digest('hex');
}
