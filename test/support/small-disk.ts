// A disk of its own for a test: small enough to be filled, and free to be broken. Needs root, as mounting does.

import { dlopen } from 'bun:ffi';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why disks can't be mounted here; undefined when they can. */
export function whyNoDisks(): string | undefined {
  try {
    using _ = SmallDisk.memory('1m');
    using __ = SmallDisk.ext4(8);
    return undefined;
  } catch (error) {
    return `mounting needs root, loop devices and mkfs.ext4: ${error instanceof Error ? error.message : error}`;
  }
}

export class SmallDisk implements Disposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #base: string;
  readonly #remount: readonly string[];

  /** A disk in memory. @param size as `mount` takes it: '16m' */
  static memory(size: string): SmallDisk {
    return new SmallDisk(() => ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs']);
  }

  /** A file system of its own in a file, that can be made to fail as a real one does. */
  static ext4(megabytes: number): SmallDisk {
    return new SmallDisk((base) => {
      const image = join(base, 'image');
      run('truncate', '-s', `${megabytes}M`, image);
      run('mkfs.ext4', '-q', image);
      return ['-o', 'loop', image];
    });
  }

  private constructor(prepare: (base: string) => readonly string[]) {
    this.#base = mkdtempSync(join(tmpdir(), 'zerohop-disk-'));
    this.path = join(this.#base, 'disk');
    try {
      mkdirSync(this.path);
      this.#remount = prepare(this.#base);
      this.mount();
    } catch (error) {
      rmSync(this.#base, { recursive: true });
      throw error;
    }
  }

  mount(): void {
    run('mount', ...this.#remount, this.path);
  }

  unmount(): void {
    run('umount', this.path);
  }

  /** Makes it read-only for everyone; only while nobody has a file open for writing. */
  setReadOnly(): void {
    run('mount', '-o', 'remount,ro', this.path);
  }

  /** What happens to an ext4 when its device fails: read-only at once, whoever writes, until it is mounted anew. */
  abort(): void {
    run('mount', '-o', 'remount,abort', this.path);
  }

  /** What a power cut does to an ext4: from now on nothing reaches it, and what was written and not synced is gone once it is unmounted. */
  cutPower(): void {
    const folder = openSync(this.path, 'r');
    const libc = dlopen('libc.so.6', { ioctl: { args: ['int', 'u64', 'ptr'], returns: 'int' } });
    try {
      const failed = libc.symbols.ioctl(folder, shutDown.request, new Uint32Array([shutDown.withoutFlushing]));
      if (failed !== 0) throw new Error('ioctl: this ext4 can not be shut down');
    } finally {
      libc.close();
      closeSync(folder);
    }
  }

  /** Takes all space but `bytes` with a file; the function returned gives it back. */
  fill(bytes: number): () => void {
    const ballast = join(this.path, 'ballast');
    const { bavail, bsize } = statfsSync(this.path);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
    return () => rmSync(ballast);
  }

  [Symbol.dispose](): void {
    Bun.spawnSync(['umount', this.path]);
    rmSync(this.#base, { recursive: true });
  }
}

/** EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of fs/ext4/ext4.h. */
const shutDown = { request: 0x80_04_58_7d, withoutFlushing: 2 } as const;

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { stdout: 'ignore', stderr: 'pipe' });
  if (exitCode !== 0) throw new Error(`${command[0]}: ${stderr.toString().trim().split('\n')[0]}`);
}
