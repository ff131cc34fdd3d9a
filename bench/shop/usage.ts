// What processes use, from /proc. A process counts with all it started.

import { readFileSync } from 'node:fs';
import { processTree } from '../process-memory.ts';
import type { Processes } from './stacks.ts';

/** Name of a process → a figure. */
export type PerProcess = Readonly<Record<string, number>>;

/** Linux counts processor time in hundredths of a second, whatever the kernel is built with. */
const ticksPerSecond = 100;

/** Processor time used so far. */
export function cpuSeconds(processes: Processes): PerProcess {
  return each(processes, (pid) => ticksOf(pid) / ticksPerSecond);
}

/** Memory, with pages that several processes share counted once: each has its part of them. */
export function memoryMiB(processes: Processes): PerProcess {
  return each(processes, pssMiB);
}

export function sum(figures: PerProcess): number {
  return Object.values(figures).reduce((total, value) => total + value, 0);
}

/** (after - before) ÷ divisor, by name. */
export function difference(after: PerProcess, before: PerProcess, divisor: number): PerProcess {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, (value - (before[name] ?? 0)) / divisor]),
  );
}

function each(processes: Processes, of: (pid: number) => number): PerProcess {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => [
      name,
      processTree(pid).reduce((total, member) => total + orZero(() => of(member)), 0),
    ]),
  );
}

/** User and system time, with that of children that ended: fields 14 to 17 of proc(5) stat; the name before them may hold anything. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
}

function pssMiB(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** 0 of a process that ended meanwhile. */
function orZero(of: () => number): number {
  try {
    return of();
  } catch {
    return 0;
  }
}
