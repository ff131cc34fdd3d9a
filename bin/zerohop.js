#!/usr/bin/env node
// The `zerohop` command: works with only Node on the PATH, and runs the real command line with the pinned Bun.
import { fileURLToPath } from 'node:url';
import { run } from './run.js';

// The node ends when this process is gone, however it went: src/cli/launcher.ts.
const command = [fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)), ...process.argv.slice(2)];
// src/runtime/restart.ts
const restartCode = 87;
run(command, { ZEROHOP_LAUNCHER: String(process.pid) }, restartCode);
