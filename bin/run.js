// Starts Bun as a child, passes signals on to it and ends as it ended.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { bunPath } from './bun-path.js';

// What surrounds the command stays out of it: an application loads its own .env (`loadEnv` in its config.yaml), brings its own
// packages, and a bunfig.toml in the working folder is meant for the Bun on the PATH.
const hermetic = ['--no-env-file', '--no-install', `--config=${process.platform === 'win32' ? 'NUL' : '/dev/null'}`];

/**
 * @param {string[]} bunArguments a script and its arguments
 * @param {Record<string, string>} variables for its environment
 * @param {number} [restartCode] a child that ends with this code is started again
 */
export function run(bunArguments, variables = {}, restartCode) {
  const env = { ...process.env, ...variables };
  const bun = findBun();
  let isStopping = false;
  const start = () => {
    const child = spawn(bun, [...hermetic, ...bunArguments], { stdio: 'inherit', env });
    child.on('error', (error) => fail(`Bun could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      if (code !== null && code === restartCode && !isStopping) current = start();
      else process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1));
    });
    return child;
  };
  let current = start();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(name, () => {
      isStopping = true;
      current.kill(name);
    });
}

function findBun() {
  try {
    return bunPath();
  } catch (error) {
    return fail(error.message);
  }
}

/** @param {string} message */
function fail(message) {
  console.error(message);
  process.exit(1);
}
