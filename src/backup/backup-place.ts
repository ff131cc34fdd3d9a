// Where backups are kept: a folder, or a bucket that speaks S3. Names have slashes.

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ZerohopError } from '../base/index.ts';

export interface BackupPlace {
  has(name: string): Promise<boolean>;
  /** Whole or not at all; durable when it resolves. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  read(name: string): Promise<Uint8Array>;
  /** Names that begin with the prefix, which ends with a slash. */
  list(prefix: string): Promise<readonly string[]>;
}

/** @param where a folder, or `s3://bucket/prefix`: credentials, region and endpoint come from the environment (`AWS_ACCESS_KEY_ID`, …) */
export function placeAt(where: string): BackupPlace {
  if (!where.startsWith('s3://')) return withReasons(where, folderPlace(where), '');
  const [bucket = '', ...rest] = where.slice('s3://'.length).split('/');
  if (bucket === '') throw new ZerohopError('INVALID_REQUEST', `${where} names no bucket: s3://bucket/prefix`);
  const prefix = rest
    .filter((part) => part !== '')
    .map((part) => `${part}/`)
    .join('');
  return withReasons(where, bucketPlace(new Bun.S3Client({ bucket }), prefix), credentialsHint);
}

const credentialsHint =
  ' Credentials, region and endpoint are read from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT.';

/** What a disk or a store of objects refuses is for whoever named the place, not a fault in here. */
function withReasons(where: string, place: BackupPlace, hint: string): BackupPlace {
  const told = async <Result>(result: Promise<Result>): Promise<Result> => {
    try {
      return await result;
    } catch (error) {
      if (error instanceof ZerohopError) throw error;
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
      const reason = error instanceof Error ? error.message : String(error);
      const what = typeof code === 'string' && !reason.includes(code) ? `${code}, ${reason}` : reason;
      throw new ZerohopError('INVALID_REQUEST', `Backups can not be kept in or read from ${where}: ${what}.${hint}`);
    }
  };
  return {
    has: (name) => told(place.has(name)),
    write: (name, bytes) => told(place.write(name, bytes)),
    read: (name) => told(place.read(name)),
    list: (prefix) => told(place.list(prefix)),
  };
}

function folderPlace(folder: string): BackupPlace {
  return {
    has: async (name) => existsSync(join(folder, name)),
    async write(name, bytes) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const next = `${path}.${process.pid}.new`;
      const file = await open(next, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(next, path);
      const parent = await open(dirname(path), 'r');
      await parent.sync().finally(() => parent.close());
    },
    read: async (name) => new Uint8Array(await readFile(join(folder, name))),
    async list(prefix) {
      const at = join(folder, prefix);
      return existsSync(at)
        ? readdirSync(at)
            .filter((name) => !name.endsWith('.new'))
            .map((name) => prefix + name)
        : [];
    },
  };
}

function bucketPlace(client: Bun.S3Client, prefix: string): BackupPlace {
  return {
    has: (name) => client.exists(prefix + name),
    async write(name, bytes) {
      await client.write(prefix + name, bytes);
    },
    read: async (name) => new Uint8Array(await client.file(prefix + name).arrayBuffer()),
    async list(under) {
      const names: string[] = [];
      for (let startAfter = ''; ; ) {
        const page = await client.list({ prefix: prefix + under, ...(startAfter !== '' && { startAfter }) });
        const keys = (page.contents ?? []).map(({ key }) => key);
        names.push(...keys.map((key) => key.slice(prefix.length)));
        const last = keys.at(-1);
        if (!page.isTruncated || last === undefined) return names;
        startAfter = last;
      }
    },
  };
}
