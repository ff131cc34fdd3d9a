import type { Part } from '../benchmark.ts';
import { catchUp, snapshot } from './behind.ts';
import { encryption } from './encryption.ts';
import { throughput } from './throughput.ts';

export const replicationParts: readonly Part[] = [throughput, encryption, catchUp, snapshot];
