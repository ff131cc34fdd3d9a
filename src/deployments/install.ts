// The packages an app needs, from npm: by its lock file where it has one. Scripts of packages do not run.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZerohopError } from '../base/index.ts';

/** How long npm may take, in ms. */
const installMs = 5 * 60_000;
/** Of what npm said, how much is told: the end of it. */
const toldCharacters = 2_000;

/** Throws APPLICATION_ERROR with the end of what npm said. */
export async function installPackages(app: string): Promise<void> {
  const file = join(app, 'package.json');
  if (!existsSync(file) || existsSync(join(app, 'node_modules'))) return;
  const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as { dependencies?: Record<string, string> };
  // The runtime is there already, under each of its names.
  const needed = Object.keys(dependencies).filter((name) => !['zerohop', 'harper', 'harperdb'].includes(name));
  if (needed.length === 0) return;
  const npm = Bun.which('npm');
  if (npm === null)
    throw new ZerohopError('APPLICATION_ERROR', `The app needs ${needed.join(', ')}, and this machine has no npm.`);
  const how = existsSync(join(app, 'package-lock.json')) ? 'ci' : 'install';
  const run = Bun.spawn([npm, how, '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: app,
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: installMs,
  });
  const [said, complained, code] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  if (code === 0) return;
  throw new ZerohopError(
    'APPLICATION_ERROR',
    `npm ${how} failed, so the app was not deployed: ${(said + complained).trim().slice(-toldCharacters)}`,
  );
}
