// The machine a benchmark ran on, as far as it says.

import { closeSync, fdatasyncSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { median } from './figures.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly virtual: boolean;
  readonly os: string;
  readonly bun: string;
  /** What holds the data of the benchmarks. */
  readonly disk: string;
  /** Median of an fdatasync after 4 KB, which bounds durable writes. */
  readonly fdatasyncMs: number;
  /** Of the last minute, before the benchmark began: above 0.5 the figures are disturbed. */
  readonly loadBefore: number;
}

/** @param folder where the benchmarks keep their data */
export function describeMachine(folder: string): Machine {
  return {
    cpu: cpuName(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    virtual: /^flags\s.*\bhypervisor\b/m.test(textOf('/proc/cpuinfo')),
    os: `${/^PRETTY_NAME="?([^"\n]*)/m.exec(textOf('/etc/os-release'))?.[1] ?? process.platform}, kernel ${release()}, ${arch()}`,
    bun: Bun.version,
    disk: diskOf(folder),
    fdatasyncMs: syncMs(folder),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

function cpuName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown';
}

/** File system, device and kind; "unknown" where /proc and /sys do not say. */
function diskOf(folder: string): string {
  const path = realpathSync(folder);
  const mounts = textOf('/proc/mounts')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at]) => at !== undefined && (at === '/' || path === at || path.startsWith(`${at}/`)))
    .sort(([, a], [, b]) => (b ?? '').length - (a ?? '').length);
  const [device, , type] = mounts[0] ?? [];
  if (device === undefined) return 'unknown';
  if (!device.startsWith('/dev/')) return `${type} (${device})`;
  const block = `/sys/class/block/${basename(device)}`;
  const rotational = textOf(`${block}/queue/rotational`) || textOf(`${block}/../queue/rotational`);
  const model = textOf(`${block}/device/model`).trim();
  // What a virtual disk says of itself is a guess of the hypervisor's.
  const isVirtual = /^(vd|xvd)/.test(basename(device));
  const kind = isVirtual
    ? 'virtual'
    : rotational === ''
      ? 'kind unknown'
      : rotational.trim() === '0'
        ? 'solid state'
        : 'rotating';
  return `${type} on ${device}${model && ` (${model})`}, ${kind}`;
}

function syncMs(folder: string): number {
  const path = join(folder, 'sync-probe');
  const descriptor = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const times = Array.from({ length: 50 }, () => {
    writeSync(descriptor, page);
    const started = performance.now();
    fdatasyncSync(descriptor);
    return performance.now() - started;
  });
  closeSync(descriptor);
  rmSync(path);
  return Number(median(times).toFixed(3));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
