#!/usr/bin/env node
// The `zerohop` command: works with only Node on the PATH, and runs the real command line with the pinned Bun.
import { fileURLToPath } from 'node:url';
import { run } from './run.js';

// The node ends when this process is gone, however it went: src/cli/launcher.ts.
run([fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)), ...process.argv.slice(2)], {
  ZEROHOP_LAUNCHER: String(process.pid),
});
