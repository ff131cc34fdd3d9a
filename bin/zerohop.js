#!/usr/bin/env node
// The `zerohop` command: works with only Node on the PATH, and runs the real command line with the pinned Bun.
import { fileURLToPath } from 'node:url';
import { run } from './run.js';

run([fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)), ...process.argv.slice(2)]);
