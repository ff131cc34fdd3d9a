// JSON Web Tokens signed with Ed25519 (RFC 8037). Each node signs with a key of its own, which never leaves its data folder; the public halves
// are in a table of the database `system`, so what one node signs every node of the cluster knows. A key is replaced after a while, and its
// public half stays until the last token it signed has expired.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JWK } from 'jose';
import { type Clock, ZerohopError } from '../base/index.ts';
import type { Databases } from '../tables/index.ts';
import { systemDatabase, tableNames } from './system-tables.ts';

/** `operation`: for calls. `refresh`: to get another operation token. */
export type TokenKind = 'operation' | 'refresh';

export const tokenMs = { operation: 24 * 3_600_000, refresh: 30 * 24 * 3_600_000 } as const;

/** A key signs for this long. */
const rotationMs = 90 * 24 * 3_600_000;

const algorithm = 'EdDSA';
const longestToken = 4_096;

export interface Claims {
  readonly id: string;
  readonly username: string;
  readonly kind: TokenKind;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

/** Loaded when it is first needed: it shows in the time to start. */
const jose = () => import('jose');

interface Signer {
  readonly id: string;
  readonly key: CryptoKey;
  readonly createdMs: number;
}

export class Tokens {
  readonly #databases: Databases;
  readonly #file: string;
  readonly #clock: Clock;
  #signer: Promise<Signer> | undefined;

  /** @param file where this node's private key is kept */
  constructor(databases: Databases, file: string, clock: Clock) {
    this.#databases = databases;
    this.#file = file;
    this.#clock = clock;
  }

  async issue(username: string, kind: TokenKind): Promise<string> {
    const nowMs = this.#clock.nowMs();
    const { id, key } = await this.#currentSigner(nowMs);
    const { SignJWT } = await jose();
    return new SignJWT({ sub: kind, username, at: nowMs })
      .setProtectedHeader({ alg: algorithm, kid: id, typ: 'JWT' })
      .setJti(crypto.randomUUID())
      .setIssuedAt(Math.floor(nowMs / 1000))
      .setExpirationTime(Math.floor((nowMs + tokenMs[kind]) / 1000))
      .sign(key);
  }

  /** What a token says; undefined unless a node of this cluster has signed it, it is of this kind, and neither expired nor revoked. */
  async verify(token: string, kind: TokenKind): Promise<Claims | undefined> {
    if (token.length > longestToken) return undefined;
    const { decodeProtectedHeader, jwtVerify } = await jose();
    try {
      const { kid } = decodeProtectedHeader(token);
      const key = typeof kid === 'string' ? await this.#publicKey(kid) : undefined;
      if (key === undefined) return undefined;
      const { payload } = await jwtVerify(token, key, {
        algorithms: [algorithm],
        subject: kind,
        requiredClaims: ['exp', 'jti'],
        currentDate: new Date(this.#clock.nowMs()),
      });
      const { jti, username, at, exp } = payload;
      if (jti === undefined || exp === undefined || typeof username !== 'string' || typeof at !== 'number')
        return undefined;
      const claims = { id: jti, username, kind, issuedMs: at, expiresMs: exp * 1000 };
      return this.isRevoked(claims) ? undefined : claims;
    } catch (error) {
      // Whatever is wrong with it, it is no token of ours.
      if (error instanceof Error && 'code' in error) return undefined;
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  isRevoked({ id }: Pick<Claims, 'id'>): boolean {
    const table = this.#databases.table(systemDatabase, tableNames.revocations);
    return table !== undefined && this.#databases.getLatest(table, id) !== undefined;
  }

  /** From now on it counts nowhere. */
  async revoke({ id, expiresMs }: Claims): Promise<void> {
    await this.#write(tableNames.revocations, id, { expiresAt: expiresMs });
  }

  /** From now on this node signs with another key. */
  async rotate(): Promise<void> {
    this.#signer = this.#make(this.#clock.nowMs());
    await this.#signer;
  }

  async #publicKey(id: string): Promise<CryptoKey | undefined> {
    const table = this.#databases.table(systemDatabase, tableNames.tokenKeys);
    const stored = table && this.#databases.getLatest(table, id);
    if (stored === undefined) return undefined;
    const { key }: { key: JWK } = JSON.parse(stored.body);
    const { importJWK } = await jose();
    const imported = await importJWK(key, algorithm);
    return imported instanceof CryptoKey ? imported : undefined;
  }

  async #currentSigner(nowMs: number): Promise<Signer> {
    this.#signer ??= this.#load(nowMs);
    let signer: Signer;
    try {
      signer = await this.#signer;
    } catch (error) {
      this.#signer = undefined;
      throw error;
    }
    if (nowMs - signer.createdMs < rotationMs) return signer;
    await this.rotate();
    return this.#currentSigner(nowMs);
  }

  /** Another thread may have made the file. */
  async #load(nowMs: number): Promise<Signer> {
    if (!existsSync(this.#file)) return this.#make(nowMs);
    const { mode } = statSync(this.#file);
    if ((mode & 0o077) !== 0) chmodSync(this.#file, 0o600);
    const jwk: JWK & { createdMs?: number } = JSON.parse(readFileSync(this.#file, 'utf8'));
    const createdMs = jwk.createdMs ?? 0;
    if (nowMs - createdMs >= rotationMs) return this.#make(nowMs);
    const signer = await signerOf(jwk, createdMs);
    // A key whose public half got lost signs nothing that anybody would know.
    if ((await this.#publicKey(signer.id)) === undefined) await this.#publish(signer.id, jwk, nowMs);
    return signer;
  }

  async #make(nowMs: number): Promise<Signer> {
    const { exportJWK, generateKeyPair } = await jose();
    const { privateKey } = await generateKeyPair(algorithm, { crv: 'Ed25519', extractable: true });
    const jwk = await exportJWK(privateKey);
    const signer = await signerOf(jwk, nowMs);
    await this.#publish(signer.id, jwk, nowMs);
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    const unnamed = `${this.#file}.${signer.id}`;
    writeFileSync(unnamed, JSON.stringify({ ...jwk, createdMs: nowMs }), { mode: 0o600, flush: true });
    renameSync(unnamed, this.#file);
    return signer;
  }

  async #publish(id: string, { kty, crv, x }: JWK, nowMs: number): Promise<void> {
    const expiresAt = nowMs + rotationMs + tokenMs.refresh;
    await this.#write(tableNames.tokenKeys, id, { key: { kty, crv, x }, createdMs: nowMs, expiresAt });
  }

  async #write(name: string, id: string, record: Readonly<Record<string, unknown>>): Promise<void> {
    const table = this.#databases.table(systemDatabase, name);
    if (table === undefined) throw new ZerohopError('NOT_IMPLEMENTED', 'This node keeps no users and roles.');
    const transaction = this.#databases.transaction();
    try {
      transaction.put(table, id, { id, ...record });
      await transaction.commit();
    } finally {
      transaction.abort();
    }
  }
}

async function signerOf(jwk: JWK, createdMs: number): Promise<Signer> {
  const { calculateJwkThumbprint, importJWK } = await jose();
  const key = await importJWK(jwk, algorithm);
  if (!(key instanceof CryptoKey)) throw new Error('Bug: the key is no key pair');
  return { id: await calculateJwkThumbprint(jwk), key, createdMs };
}
