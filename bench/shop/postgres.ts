// A PostgreSQL server of its own: a new data folder, a free port, a socket, and nobody else's settings. PostgreSQL refuses to run as root, so
// root starts it as the user `postgres`.

import { chmodSync, chownSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresFolder } from '../../tools/requirements.ts';
import { freePort } from '../lab.ts';
import { until } from './until.ts';

export interface Postgres {
  readonly version: string;
  /** postgres://…/postgres, over its socket. */
  readonly url: string;
  /** The same server, another database. */
  database(name: string): string;
  /** Starts the server on its data; resolves with its process id, at once. */
  launch(): number;
  /** Resolves when it answers. */
  ready(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Of a server that shares two cores with five others and holds a few megabytes of data. */
const settings = {
  listen_addresses: '',
  max_connections: '100',
  shared_buffers: '256MB',
  effective_cache_size: '2GB',
  work_mem: '8MB',
  random_page_cost: '1.1',
  effective_io_concurrency: '100',
  // Compiling queries pays for long ones; here they are short.
  jit: 'off',
  max_wal_size: '1GB',
  checkpoint_timeout: '15min',
  autovacuum_naptime: '5min',
} as const;

const stopMs = 10_000;

/** Makes the data folder; nothing runs yet. Throws when PostgreSQL is not installed. */
export async function createPostgres(): Promise<Postgres> {
  const programs = postgresFolder();
  if (programs === undefined)
    throw new Error('The rivals of this benchmark need PostgreSQL. On Debian or Ubuntu: apt-get install postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'zerohop-postgres-'));
  const user = process.getuid?.() === 0 ? await userIds('postgres') : undefined;
  if (user) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o700);
  const asUser = user
    ? ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--pdeathsig=INT']
    : [];
  const data = join(folder, 'data');
  const environment = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', TZ: 'UTC' };
  const run = async (program: string, words: readonly string[]) => {
    const child = Bun.spawn([...asUser, join(programs, program), ...words], {
      env: environment,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    if (code !== 0) throw new Error(`${program} ended with ${code}:\n${out}${err}`);
    return out.trim();
  };
  const initial = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
  await run('initdb', ['-D', data, ...initial]);
  const version = await run('postgres', ['--version']);

  // Names its socket; it listens to nothing else.
  const port = freePort();
  const log = join(folder, 'log');
  const database = (name: string) => `postgres://postgres@localhost:${port}/${name}?host=${folder}`;
  let server: Bun.Subprocess | undefined;
  const stop = async () => {
    if (!server) return;
    const ending = server;
    server = undefined;
    // Fast shutdown: connections are ended, data is written.
    ending.kill('SIGINT');
    const killer = setTimeout(() => ending.kill('SIGKILL'), stopMs);
    await ending.exited;
    clearTimeout(killer);
  };
  return {
    version: version.replace('postgres (PostgreSQL) ', ''),
    url: database('postgres'),
    database,
    launch() {
      const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const output = openSync(log, 'a');
      server = Bun.spawn(
        [...asUser, join(programs, 'postgres'), '-D', data, '-p', String(port), '-k', folder, ...options],
        { env: environment, cwd: '/', stdio: ['ignore', output, output] },
      );
      return server.pid;
    },
    ready: () =>
      until(
        () => `PostgreSQL did not start:\n${readFileSync(log, 'utf8').slice(-2000)}`,
        () => succeeds(run('pg_isready', ['-h', folder, '-p', String(port), '-q'])),
        () => server?.exitCode !== null,
      ),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function userIds(name: string): Promise<{ uid: number; gid: number }> {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error(`PostgreSQL refuses to run as root, and there is no user ${name} to run it as.`);
  return { uid: Number(uid), gid: Number(gid) };
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
