// What `npm run bench -- pages` runs.

import type { Part } from '../benchmark.ts';
import { growth } from './growth.ts';
import { hits } from './hits.ts';

export const pagesParts: readonly Part[] = [hits, growth];
