// The `files` option: which files of the app's folder a part of it reads.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Glob } from 'bun';
import { ZerohopError } from '../base/index.ts';
import { isOptions, type Options } from './app-config.ts';

export interface FilePatterns {
  readonly source: readonly string[];
  readonly ignore: readonly string[];
}

/** `files: 'web/**'`, a list of such patterns, or `{ source, ignore }`. `.` and a folder's name stand for all in it. */
export function filePatterns(options: Options, part: string, folder: string): FilePatterns {
  const { files } = options;
  const { source, ignore } = isOptions(files) ? files : { source: files, ignore: [] };
  const patterns = { source: listOf(source, part), ignore: listOf(ignore ?? [], part) };
  if (patterns.source.length === 0)
    throw new ZerohopError('INVALID_CONFIG', `config.yaml: ${part}.files says which files, such as '*.ts'.`);
  return { source: patterns.source.map((pattern) => wholeFolder(pattern, folder)), ignore: patterns.ignore };
}

function listOf(value: unknown, part: string): string[] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return list.map((pattern: unknown) => {
    if (typeof pattern !== 'string' || pattern === '') {
      throw new ZerohopError('INVALID_CONFIG', `config.yaml: ${part}.files is a pattern or a list of patterns.`);
    }
    if (pattern.startsWith('/') || pattern.split('/').includes('..')) {
      throw new ZerohopError(
        'INVALID_CONFIG',
        `config.yaml: ${part}.files stays inside the app's folder: ${pattern} does not.`,
      );
    }
    return pattern.replace(/^\.\//, '');
  });
}

function wholeFolder(pattern: string, folder: string): string {
  if (pattern === '.') return '**/*';
  const path = join(folder, pattern);
  return existsSync(path) && statSync(path).isDirectory() ? `${pattern.replace(/\/$/, '')}/**` : pattern;
}

/** The matching files, relative to the folder, in alphabetical order. */
export function findFiles(folder: string, patterns: FilePatterns): string[] {
  const ignored = patterns.ignore.map((pattern) => new Glob(pattern));
  const found = new Set<string>();
  for (const pattern of patterns.source) {
    for (const file of new Glob(pattern).scanSync({
      cwd: folder,
      dot: pattern.includes('/.') || pattern.startsWith('.'),
    })) {
      if (!file.split('/').includes('node_modules') && !ignored.some((glob) => glob.match(file))) found.add(file);
    }
  }
  return [...found].sort();
}

/** The folder a pattern is rooted in: that before its first wildcard. */
export function baseOf(pattern: string): string {
  const fixed = pattern.split('/');
  const wild = fixed.findIndex((part) => /[*?{[]/.test(part));
  return fixed.slice(0, wild === -1 ? -1 : wild).join('/');
}
