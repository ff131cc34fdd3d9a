// What the tests need besides `npm ci`. A test that needs one skips itself where it is missing.

import { existsSync } from 'node:fs';

/** The browser of the browser tests: CHROMIUM_PATH, or Debian's. Undefined when there is none. */
export function chromiumPath(): string | undefined {
  return [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].find((path) => path !== undefined && existsSync(path));
}

/** The load generator of the benchmarks and of the tests under load. Undefined when there is none. */
export function wrkPath(): string | undefined {
  return Bun.which('wrk') ?? undefined;
}

/** What is missing here, each with what to do. */
export function missing(): string[] {
  return [
    ...(chromiumPath() === undefined ? ['Chromium: apt-get install chromium, or set CHROMIUM_PATH'] : []),
    ...(wrkPath() === undefined ? ['wrk: apt-get install wrk'] : []),
  ];
}
