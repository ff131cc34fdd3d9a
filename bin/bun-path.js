// Finds the pinned Bun binary: the `bun` package's own, or, where npm did not run its install script, the one
// in the platform package `@oven/bun-*` beside it.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The path of a usable Bun binary. Throws an Error that says what to install when there is none. */
export function bunPath() {
  const root = dirname(dirname(require.resolve('bun/package.json')));
  const candidates = [join(root, 'bun', 'bin', 'bun.exe')];
  const scope = join(root, '@oven');
  if (existsSync(scope)) {
    for (const name of readdirSync(scope))
      candidates.push(join(scope, name, 'bin', 'bun'), join(scope, name, 'bin', 'bun.exe'));
  }
  // The package ships a small text file in place of the binary until its install script has run.
  const found = candidates.find((path) => existsSync(path) && statSync(path).size > 1_000_000);
  if (!found)
    throw new Error('The Bun runtime is missing. Run "npm ci" in this folder again, without --omit=optional.');
  return found;
}
