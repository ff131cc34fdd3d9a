// Changes values in a configuration file and leaves the rest of it, comments included, as it is.

import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { nearest, ZerohopError } from '../base/index.ts';
import { namedKeys } from './keys.ts';
import { loadConfig } from './load.ts';

/**
 * @param changes values by key path, `http.port`, or with underscores, `http_port`; null takes the key out of the file
 * @returns the key paths
 * Throws INVALID_CONFIG, and leaves the file as it was, when a node could not start with it.
 */
export function changeSettings(file: string, changes: Readonly<Record<string, unknown>>): readonly string[] {
  const document = parseDocument(existsSync(file) ? readFileSync(file, 'utf8') : '', { logLevel: 'silent' });
  const [problem] = document.errors;
  if (problem) throw new ZerohopError('INVALID_CONFIG', `${file} is not valid YAML: ${problem.message}`);
  const paths = Object.entries(changes).map(([name, value]) => {
    const path = pathOf(name);
    if (value === null) document.deleteIn(path.split('.'));
    else document.setIn(path.split('.'), value);
    return path;
  });
  const making = mkdtempSync(join(dirname(file), '.zerohop-settings-'));
  try {
    const next = join(making, basename(file));
    writeFileSync(next, document.toString(), { mode: 0o600, flush: true });
    loadConfig({ flags: {}, env: {}, folder: dirname(file), file: next });
    renameSync(next, file);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return paths;
}

function pathOf(name: string): string {
  const plain = (text: string): string => text.replace(/[._]/g, '').toLowerCase();
  const found = namedKeys.find(({ path }) => path === name || plain(path) === plain(name));
  if (found) return found.path;
  const close = nearest(
    name.replaceAll('_', '.'),
    namedKeys.map(({ path }) => path),
  );
  throw new ZerohopError(
    'INVALID_CONFIG',
    `There is no configuration key ${JSON.stringify(name)}.${close ? ` Did you mean ${close}?` : ''}`,
  );
}
