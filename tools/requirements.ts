// What the tests need besides `npm ci`. A test that needs one skips itself where it is missing.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The browser of the browser tests: CHROMIUM_PATH, or Debian's. Undefined when there is none. */
export function chromiumPath(): string | undefined {
  return [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].find((path) => path !== undefined && existsSync(path));
}

/** The load generator of the benchmarks and of the tests under load. Undefined when there is none. */
export function wrkPath(): string | undefined {
  return Bun.which('wrk') ?? undefined;
}

/** The load balancer of the tests with one. Undefined when there is none. */
export function haproxyPath(): string | undefined {
  return ['/usr/sbin/haproxy', Bun.which('haproxy')].find((path) => path && existsSync(path)) ?? undefined;
}

/** Where PostgreSQL's programs are, the newest of those installed as Debian does. Undefined when there are none. */
export function postgresFolder(): string | undefined {
  const versions = '/usr/lib/postgresql';
  const installed = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  const inPath = Bun.which('initdb');
  return [...installed.map((version) => join(versions, version, 'bin')), ...(inPath ? [dirname(inPath)] : [])].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  );
}

/** What is missing here, each with what to do. */
export function missing(): string[] {
  return [
    ...(chromiumPath() === undefined ? ['Chromium: apt-get install chromium, or set CHROMIUM_PATH'] : []),
    ...(wrkPath() === undefined ? ['wrk: apt-get install wrk'] : []),
    ...(haproxyPath() === undefined ? ['HAProxy: apt-get install haproxy'] : []),
    ...(postgresFolder() === undefined ? ['PostgreSQL: apt-get install postgresql'] : []),
  ];
}
