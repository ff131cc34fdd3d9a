// Runs of a load on a stack, with what the processes used meanwhile; and starts of a stack.

import { readFileSync } from 'node:fs';
import { type Load, load } from './load.ts';
import type { LoadFigures } from './load-figures.ts';
import type { Stack } from './stacks.ts';
import { cpuSeconds, difference, memoryMiB, type PerProcess, sum } from './usage.ts';

export interface Run extends LoadFigures {
  /** Cores each process used, on average over the run. */
  readonly cores: PerProcess;
  /** Cores used by what is neither stack nor generator. Above a few tenths, the run was disturbed. */
  readonly othersCores: number;
  /** At the end of the run. */
  readonly memoryMiB: PerProcess;
}

export interface Start {
  /** From the start of all processes to the first page, with the data there. */
  readonly answeredMs: number;
  /** Of a stack that has answered that page and rested since. */
  readonly memoryMiB: PerProcess;
}

/** Waits until the stack rests, runs the load once. */
export async function measure(stack: Stack, options: Load, signal: AbortSignal): Promise<Run> {
  await settle(stack);
  const processes = stack.processes();
  const before = { stack: cpuSeconds(processes), machine: busySeconds(), ms: performance.now() };
  const figures = await load(options, signal);
  const seconds = (performance.now() - before.ms) / 1000;
  const cores = difference(cpuSeconds(processes), before.stack, seconds);
  const machine = (busySeconds() - before.machine) / seconds;
  return {
    ...figures,
    cores,
    othersCores: Math.max(0, machine - sum(cores) - figures.generatorCores),
    memoryMiB: memoryMiB(processes),
  };
}

/** Starts the stack, lets it rest, and leaves it running. */
export async function measureStart(stack: Stack, idleSeconds: number): Promise<Start> {
  const answeredMs = await stack.start();
  await settle(stack);
  await Bun.sleep(idleSeconds * 1000);
  return { answeredMs, memoryMiB: memoryMiB(stack.processes()) };
}

const watchMs = 200;
/** A stack that uses less than this has no requests left from the run before. */
const restingCores = 0.06;
const longestMs = 30_000;

async function settle(stack: Stack): Promise<void> {
  const deadline = performance.now() + longestMs;
  const processes = stack.processes();
  while (performance.now() < deadline) {
    const before = sum(cpuSeconds(processes));
    await Bun.sleep(watchMs);
    if ((sum(cpuSeconds(processes)) - before) / (watchMs / 1000) < restingCores) return;
  }
}

/** Processor time of the whole machine, that of the hypervisor's other guests included: proc_stat(5). */
function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] =
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? [];
  return (user + nice + system + irq + softIrq + steal) / 100;
}
