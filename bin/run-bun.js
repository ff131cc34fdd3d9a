#!/usr/bin/env node
// Runs a TypeScript file with the pinned Bun: node bin/run-bun.js FILE [ARGUMENT...]
import { run } from './run.js';

run(process.argv.slice(2));
