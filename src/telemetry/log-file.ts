// The log as a file, so that the node can show it: lines of JSON, in two files of a bounded size, the older of which goes when the newer is
// full. Several threads write it; each line is one append. What can't be written is left out: the log has gone to standard error as well.

import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LogLevel } from '../base/index.ts';

/** Each of the two files, about, in bytes. */
export const logFileBytes = 4 * 1024 * 1024;
/** How often a writer looks whether another has begun a new file, in ms. */
const lookMs = 1000;
/** A line with this field is for whoever looks on, and not kept: it tells a secret, once. */
const notKept = '"once":true';

export function logFileIn(folder: string): string {
  return join(folder, 'log', 'zerohop.log');
}

export class LogFile {
  readonly #path: string;
  readonly #maxBytes: number;
  #file: number | undefined;
  #bytes = 0;
  #lookedAt = 0;

  /** Nothing is opened or made before the first line. */
  constructor(path: string, maxBytes = logFileBytes) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  write(line: string): void {
    if (line.includes(notKept)) return;
    try {
      const file = this.#open();
      this.#bytes += writeSync(file, line);
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #open(): number {
    if (this.#file !== undefined) {
      const now = Date.now();
      if (this.#bytes < this.#maxBytes && now - this.#lookedAt < lookMs) return this.#file;
      this.#lookedAt = now;
      const mine = fstatSync(this.#file);
      this.#bytes = mine.size;
      const isCurrent = statSync(this.#path, { throwIfNoEntry: false })?.ino === mine.ino;
      if (isCurrent && mine.size < this.#maxBytes) return this.#file;
      if (isCurrent) this.#turn(mine.ino);
      this.close();
    }
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    this.#file = openSync(this.#path, 'a', 0o600);
    this.#bytes = fstatSync(this.#file).size;
    this.#lookedAt = Date.now();
    return this.#file;
  }

  /** One of the threads does it; the others find the new file. */
  #turn(ino: number): void {
    const lock = `${this.#path}.turning`;
    let held: number;
    try {
      held = openSync(lock, 'wx', 0o600);
    } catch {
      return;
    }
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.ino === ino) renameSync(this.#path, olderOf(this.#path));
    } finally {
      closeSync(held);
      rmSync(lock, { force: true });
    }
  }
}

/** Of a process that ended in the middle of a turn. */
export function releaseLogFile(path: string): void {
  rmSync(`${path}.turning`, { force: true });
}

function olderOf(path: string): string {
  return `${path}.1`;
}

export interface LogLine {
  readonly level: LogLevel;
  /** ISO 8601. */
  readonly time: string;
  readonly msg: string;
  readonly thread?: string;
  readonly [field: string]: unknown;
}

/** Oldest first. */
export async function readLogFile(path: string): Promise<LogLine[]> {
  const texts = [await readEnd(olderOf(path)), await readEnd(path)];
  return texts.flatMap((text) => text.split('\n').flatMap((line) => lineOf(line) ?? []));
}

/** Twice its size at most: threads may write a little more than that before one begins the next. */
async function readEnd(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, 2 * logFileBytes);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

function lineOf(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    // Cut off where the file was cut.
    return undefined;
  }
}
