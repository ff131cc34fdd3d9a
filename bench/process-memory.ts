// What a process holds in memory, from /proc.

import { readdirSync, readFileSync } from 'node:fs';

export interface Resident {
  /** All three in MiB. `files`: pages of mapped files, which the system takes back when it needs them. */
  readonly total: number;
  readonly anonymous: number;
  readonly files: number;
}

export function residentMiB(pid: number): Resident {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { total: of('VmRSS'), anonymous: of('RssAnon'), files: of('RssFile') };
}

/** A process and all it started. Processes and threads that end while this looks at them have started nothing. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => childrenOfThread(pid, task));
  } catch {
    return [];
  }
}

function childrenOfThread(pid: number, task: string): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
