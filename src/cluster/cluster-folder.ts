// What a node keeps of its cluster outside of the databases: `<data>/cluster`, for its owner alone. It is there exactly when the node is in a
// cluster.
//
//   cluster.json    id of the cluster, members known when it joined, the numbers for its integer ids
//   node.pem                            its key and its certificate
//   authority.crt                       who vouches for the others
//   authority.key                       on nodes that admit others
//   tokens.json                         tokens for joining that were given out here: their hashes

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyAndCertificate } from './certificates.ts';

export interface Seed {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

/** Numbers that only this node may give out: one for itself, the others for nodes it admits. From `from`, below `to`. */
export interface Slots {
  readonly own: number;
  readonly from: number;
  readonly to: number;
}

export interface ClusterState {
  readonly cluster: string;
  readonly slots: Slots;
  readonly seeds: readonly Seed[];
  readonly own: KeyAndCertificate;
  readonly authority: string;
  /** Undefined: this node admits nobody. */
  readonly authorityKey: string | undefined;
}

export interface TokenRecord {
  /** SHA-256 of the secret. */
  readonly hash: string;
  readonly untilMs: number;
  /** Whether who joins with it may admit others. */
  readonly authority: boolean;
}

export class ClusterFolder {
  readonly #path: string;

  /** @param data the data folder */
  constructor(data: string) {
    this.#path = join(data, 'cluster');
  }

  read(): ClusterState | undefined {
    if (!existsSync(join(this.#path, 'cluster.json'))) return undefined;
    const { cluster, slots, seeds } = JSON.parse(this.#text('cluster.json')) as Pick<
      ClusterState,
      'cluster' | 'slots' | 'seeds'
    >;
    return {
      cluster,
      slots,
      seeds,
      own: this.#own(),
      authority: this.#text('authority.crt'),
      authorityKey: existsSync(join(this.#path, 'authority.key')) ? this.#text('authority.key') : undefined,
    };
  }

  /** `cluster.json` comes last: without it the rest counts for nothing. */
  write({ cluster, slots, seeds, own, authority, authorityKey }: ClusterState): void {
    mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    this.writeOwn(own);
    this.#write('authority.crt', authority);
    if (authorityKey !== undefined) this.#write('authority.key', authorityKey);
    this.#write('cluster.json', `${JSON.stringify({ cluster, slots, seeds }, null, 2)}\n`);
  }

  /** A key and its certificate, in place of those before. In one file, so that they always belong together. */
  writeOwn({ key, certificate }: KeyAndCertificate): void {
    this.#write('node.pem', `${key.trim()}\n${certificate.trim()}\n`);
  }

  get tokens(): readonly TokenRecord[] {
    if (!existsSync(join(this.#path, 'tokens.json'))) return [];
    return JSON.parse(this.#text('tokens.json')) as TokenRecord[];
  }

  set tokens(tokens: readonly TokenRecord[]) {
    this.#write('tokens.json', JSON.stringify(tokens));
  }

  #own(): KeyAndCertificate {
    const text = this.#text('node.pem');
    const at = text.indexOf('-----BEGIN CERTIFICATE-----');
    return { key: text.slice(0, at), certificate: text.slice(at) };
  }

  #text(name: string): string {
    return readFileSync(join(this.#path, name), 'utf8');
  }

  /** Whole or not at all, wherever the power is cut. */
  #write(name: string, text: string): void {
    const path = join(this.#path, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }
}
