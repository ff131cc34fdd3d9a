// Tells which files under a folder have changed. Watches folder by folder, so that node_modules and the like cost nothing.

import { type FSWatcher, fstatSync, readdirSync, type Stats, statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** How long nothing must change before changes are told, in ms: an editor writes a file in several steps. */
const quietMs = 60;

/** Folders watched at the same time; those beyond are not. */
export const maxFolders = 5_000;

/** Never part of an application: installed packages, hidden files (but `.env` files), databases, logs, what editors leave beside a file. */
export function isIgnored(path: string): boolean {
  const name = basename(path);
  if (name.startsWith('.') && !name.startsWith('.env')) return true;
  return name === 'node_modules' || /(~|\.log|\.db(-wal|-shm)?|\.sw[pox])$/.test(name);
}

export class FolderWatcher {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #apart: readonly string[];
  readonly #outputs = outputFiles();
  readonly #changed = new Set<string>();
  #timer: Timer | undefined;
  #wake: (() => void) | undefined;
  #isQuiet = false;
  #isClosed = false;

  /** @param apart folders of the runtime, as absolute paths: of what is in them only data files are the application's */
  constructor(folder: string, apart: readonly string[] = []) {
    this.#apart = apart;
    this.#watch(folder);
  }

  /** Sets of changed paths, as absolute paths; ends when closed. For one reader. */
  async *changes(): AsyncGenerator<readonly string[]> {
    while (!this.#isClosed) {
      if (this.#isQuiet && this.#changed.size > 0) {
        const paths = [...this.#changed].sort();
        this.#changed.clear();
        yield paths;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#wake?.();
  }

  #watch(folder: string): void {
    if (this.#isClosed || this.#watchers.has(folder) || this.#watchers.size >= maxFolders) return;
    try {
      const watcher = watch(folder, (_, name) => name !== null && this.#noted(join(folder, name)));
      watcher.on('error', () => this.#unwatch(folder));
      this.#watchers.set(folder, watcher);
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory() && !this.#isApart(path)) this.#watch(path);
      }
    } catch {
      // The folder went away between being seen and being watched.
      this.#unwatch(folder);
    }
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #noted(path: string): void {
    if (this.#isApart(path)) return;
    const stats = statSync(path, { throwIfNoEntry: false });
    // What is told of a change would be the next one.
    if (stats && this.#outputs.some(({ dev, ino }) => stats.dev === dev && stats.ino === ino)) return;
    if (stats?.isDirectory()) this.#watch(path);
    else this.#unwatch(path);
    this.#changed.add(path);
    this.#isQuiet = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isQuiet = true;
      this.#wake?.();
    }, quietMs);
  }

  #isApart(path: string): boolean {
    return isIgnored(path) || (this.#apart.includes(dirname(path)) && !dataFile.test(path));
  }
}

/** The files that standard output and standard error are written to. */
function outputFiles(): Stats[] {
  return [1, 2].flatMap((descriptor) => {
    try {
      const stats = fstatSync(descriptor);
      return stats.isFile() ? [stats] : [];
    } catch {
      return [];
    }
  });
}

/** By default the databases are in ./data, and that is where `dataLoader` looks too. */
const dataFile = /\.(json|ya?ml)$/;
