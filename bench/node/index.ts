import type { Part } from '../benchmark.ts';
import { listing } from './listing.ts';
import { reads } from './reads.ts';
import { start } from './start.ts';
import { threads } from './threads.ts';
import { writes } from './writes.ts';

/** The parts of the benchmark of one node, in the order they run. */
export const nodeParts: readonly Part[] = [reads, writes, threads, start, listing];
