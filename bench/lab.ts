// Where a benchmark happens: a temporary folder, and servers pinned to cores. All of it is gone when the benchmark ends.

import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Load, type LoadResult, load } from './wrk.ts';

const root = resolve(import.meta.dirname, '..');

export const apps = { store: join(root, 'apps/store'), node: join(root, 'bench/apps/node') } as const;

/** The server has core 0 for itself and the load generator core 1, unless a benchmark says otherwise. */
export const cores = { server: '0', load: '1', both: '0,1' } as const;

export interface Server {
  /** http://127.0.0.1:<port> */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ZerohopOptions {
  readonly app: string;
  readonly data: string;
  readonly cores: string;
  readonly threads: number;
  /** Arguments for Bun itself. */
  readonly bunArguments?: readonly string[];
  /** More `ZEROHOP_*` variables. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server that does not answer by then is broken. */
const startMs = 60_000;
/** A server that was told to stop and still runs by then is killed. */
const stopMs = 15_000;

export class Lab implements AsyncDisposable {
  readonly folder: string;
  readonly #servers = new Set<Server>();
  readonly #ending = new AbortController();
  #names = 0;

  /** Throws when this machine lacks what benchmarks need. */
  constructor() {
    for (const tool of ['wrk', 'taskset']) {
      if (!Bun.which(tool))
        throw new Error(`Benchmarks need ${tool}. On Debian or Ubuntu: apt-get install wrk util-linux`);
    }
    if (availableParallelism() < 2)
      throw new Error('Benchmarks need two cores: one for the server and one for the load generator.');
    this.folder = mkdtempSync(join(tmpdir(), 'zerohop-bench-'));
  }

  /** Aborted when the lab ends: for processes that are not to outlive it. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** One run of the load generator. */
  load(options: Load): Promise<LoadResult> {
    return load(options, this.signal);
  }

  /** A path in the lab's folder that nothing has yet. */
  newPath(name: string): string {
    return join(this.folder, `${++this.#names}-${name}`);
  }

  /** Writes lines to a new file; returns its path. */
  writeLines(name: string, lines: readonly string[]): string {
    const path = this.newPath(name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  }

  /** A node serving an app; resolves when it answers. */
  async startZerohop({
    app,
    data,
    cores,
    threads,
    bunArguments = [],
    environment = {},
  }: ZerohopOptions): Promise<Server> {
    const port = freePort();
    const main = join(root, 'src/cli/main.ts');
    return this.#start(`zerohop ${app}`, port, cores, [...bunArguments, main, 'start', app], {
      ...zerohopEnvironment(port, freePort(), data),
      ZEROHOP_THREADS: String(threads),
      ...environment,
    });
  }

  /** A server from rivals/, given its port and `args`; resolves when it answers. */
  async startRival(
    file: string,
    args: readonly string[],
    cores: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Server> {
    const port = freePort();
    return this.#start(
      file,
      port,
      cores,
      [join(import.meta.dirname, 'rivals', file), String(port), ...args],
      environment,
    );
  }

  async stopServers(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.stopServers();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(
    what: string,
    port: number,
    cores: string,
    bunArguments: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<Server> {
    const output = this.newPath('output');
    const descriptor = openSync(output, 'w');
    const child = Bun.spawn(['taskset', '-c', cores, process.execPath, ...hermetic, ...bunArguments], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', descriptor, descriptor],
    });
    const server: Server = {
      url: `http://127.0.0.1:${port}`,
      pid: child.pid,
      stop: async () => {
        if (!this.#servers.delete(server)) return;
        child.kill('SIGTERM');
        const killer = setTimeout(() => child.kill('SIGKILL'), stopMs);
        await child.exited;
        clearTimeout(killer);
      },
    };
    this.#servers.add(server);
    const deadline = performance.now() + startMs;
    while (!(await answers(server.url))) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
        await server.stop();
        throw new Error(`${what} did not start:\n${readFileSync(output, 'utf8').slice(-2000)}`);
      }
      await Bun.sleep(20);
    }
    return server;
  }
}

/** As bin/run.js starts Bun. */
const hermetic = ['--no-env-file', '--no-install', '--config=/dev/null'];

/** What a node started by a benchmark is told. Loopback is administrator, so that writing needs no credentials. */
export function zerohopEnvironment(port: number, operationsPort: number, data: string): Record<string, string> {
  mkdirSync(data, { recursive: true });
  return {
    ZEROHOP_HTTP_PORT: String(port),
    ZEROHOP_OPERATIONS_PORT: String(operationsPort),
    ZEROHOP_DATA: data,
    ZEROHOP_AUTHORIZE_LOCAL: 'true',
    ZEROHOP_LOG_FORMAT: 'json',
    ZEROHOP_LOG_LEVEL: 'warn',
  };
}

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** Whether anything is answered, whatever it says. */
async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
