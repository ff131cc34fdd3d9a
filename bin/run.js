// Starts Bun as a child, passes signals on to it and ends as it ended.
import { spawn } from 'node:child_process';
import { bunPath } from './bun-path.js';

/** @param {string[]} bunArguments */
export function run(bunArguments) {
  const child = spawn(bunPath(), bunArguments, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`Bun could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}
