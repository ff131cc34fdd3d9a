import type { Part } from '../benchmark.ts';
import { throughput } from './throughput.ts';

export const replicationParts: readonly Part[] = [throughput];
