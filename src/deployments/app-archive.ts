// An app's folder as one gzipped tar, and back.

import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { limits, ZerohopError } from '../base/index.ts';
import { decompressStream } from '../semantics/index.ts';

/** Never part of an app: what installs, runs and versions it makes them. */
const leftOut = new Set(['node_modules', '.git', 'data', '.DS_Store']);

/** Throws BODY_TOO_LARGE, NOT_FOUND. */
export async function packApp(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const files: Record<string, Uint8Array> = {};
  let bytes = 0;
  const walk = (inside: string): void => {
    for (const entry of readdirSync(inside, { withFileTypes: true })) {
      if (leftOut.has(entry.name)) continue;
      const path = join(inside, entry.name);
      if (entry.isDirectory()) walk(path);
      if (!entry.isFile()) continue;
      bytes += statSync(path).size;
      if (bytes > limits.deploymentBytes) throw tooLarge(folder);
      files[relative(folder, path).split(sep).join('/')] = readFileSync(path);
    }
  };
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new ZerohopError('NOT_FOUND', `There is no folder ${folder}.`);
  walk(folder);
  return new Uint8Array(await new Bun.Archive(files, { compress: 'gzip' }).bytes());
}

/**
 * Writes the files of a tar, gzipped or not, into a new folder. An archive whose files all stand below one folder, as `npm pack` makes them, gives
 * what is in that. Throws INVALID_BODY for what is no archive, BODY_TOO_LARGE.
 */
export async function unpackApp(archive: Uint8Array, into: string): Promise<void> {
  const files = await filesOf(archive);
  if (files.size === 0) throw new ZerohopError('INVALID_BODY', 'The archive has no files in it.');
  const top = commonTop([...files.keys()]);
  let bytes = 0;
  mkdirSync(into, { recursive: true });
  for (const [name, file] of files) {
    const path = name.slice(top.length);
    if (path.split('/').some((part) => part === '..' || part === '') || path.startsWith('/'))
      throw new ZerohopError('INVALID_BODY', `The archive has a file ${name}, which would be outside of the app.`);
    bytes += file.size;
    if (bytes > limits.deploymentBytes) throw tooLarge('the archive');
    await Bun.write(join(into, path), file, { createPath: true });
  }
}

async function filesOf(archive: Uint8Array): Promise<Map<string, File>> {
  try {
    return await new Bun.Archive(await unzipped(archive)).files();
  } catch (error) {
    if (error instanceof ZerohopError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ZerohopError('INVALID_BODY', `That is no tar archive: ${why}`);
  }
}

/** The tar itself. It is given up as soon as it has more bytes than an app may have. */
async function unzipped(archive: Uint8Array): Promise<Uint8Array> {
  const isZipped = archive[0] === 0x1f && archive[1] === 0x8b;
  if (!isZipped) return archive;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of decompressStream(new Blob([new Uint8Array(archive)]).stream(), 'gzip')) {
    bytes += part.length;
    // Names and padding of a tar beside what is in it.
    if (bytes > 2 * limits.deploymentBytes) throw tooLarge('the archive');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** 'package/' where all names begin with it and nothing of an app stands beside it; else ''. */
function commonTop(names: readonly string[]): string {
  const [first = ''] = names;
  const top = first.slice(0, first.indexOf('/') + 1);
  return top !== '' &&
    names.every((name) => name.startsWith(top)) &&
    names.some((name) => isApp(name.slice(top.length)))
    ? top
    : '';
}

function isApp(name: string): boolean {
  return /^(config\.yaml|package\.json|schema\.graphql|resources\.[jt]s)$/.test(name);
}

function tooLarge(what: string): ZerohopError {
  return new ZerohopError(
    'BODY_TOO_LARGE',
    `An app may have ${limits.deploymentBytes} bytes without node_modules, ${what} has more. Keep large files elsewhere.`,
  );
}
