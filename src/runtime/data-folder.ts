// The data folder of a node: made when missing, held by one process at a time, with the node's identity in it.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZerohopError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { Connection, storageError } from '../storage/index.ts';

/** Where a node that runs on a data folder takes operations of this machine. Undefined: its path is longer than a socket's may be. */
export function operationsSocketIn(folder: string): string | undefined {
  const path = join(folder, 'operations.sock');
  return Buffer.byteLength(path) <= longestSocketPath ? path : undefined;
}

/** In bytes: `sun_path` of unix(7), with its end. */
const longestSocketPath = 107;

/** Whether a node with this configuration and data folder is in a cluster from its start. */
export function isInCluster({ insecure, certificate }: Config['replication'], folder: string): boolean {
  return insecure || certificate !== '' || existsSync(join(folder, 'cluster', 'cluster.json'));
}

export interface DataFolder {
  readonly path: string;
  readonly nodeId: string;
  /** Lets another process have it. */
  release(): void;
}

/** Throws READ_ONLY, STORAGE_FULL, or INVALID_CONFIG when another process has the folder. */
export function takeDataFolder(path: string): DataFolder {
  const lock = join(path, 'lock');
  let holder: Connection | undefined;
  try {
    // For its owner alone: what is in it are records, users and keys.
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // The operating system lets go of SQLite's lock when the process ends, however it ends.
    holder = Connection.exclusive(lock);
    return { path, nodeId: nodeIdIn(path), release: () => holder?.close() };
  } catch (error) {
    holder?.close();
    if (error instanceof ZerohopError) throw error;
    throw storageError(path, error) ?? unusable(path, error);
  }
}

/** Part of the path is a file, or on a file system where nothing can be made. */
function unusable(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const why = error.code === 'ENOTDIR' || error.code === 'EEXIST' ? 'a file is in its place' : String(error.code);
  return new ZerohopError(
    'INVALID_CONFIG',
    `The data folder ${path} can not be made: ${why}. Choose another with --data or ZEROHOP_DATA.`,
  );
}

/** A random id, made at the first start and kept for the life of the data. */
function nodeIdIn(path: string): string {
  const file = join(path, 'node-id');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const id = Bun.randomUUIDv7();
  // Whole or not there, wherever the power is cut.
  const unnamed = `${file}.new`;
  writeFileSync(unnamed, `${id}\n`, { mode: 0o600, flush: true });
  renameSync(unnamed, file);
  return id;
}
