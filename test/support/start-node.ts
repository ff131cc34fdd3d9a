// A node as a person runs it: `node bin/zerohop.js start APP`, a process of its own, on free ports, with a data folder of its own.
// `await using node = await startNode({ app })` ends it and removes its folder whatever happens.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Output } from './output.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');
export const launcher = join(root, 'bin/zerohop.js');
export const apps = join(root, 'test/apps');

export interface NodeOptions {
  /** A folder under test/apps, or an absolute path. */
  readonly app: string;
  /** A data folder that outlives the node; without one, it gets one that goes with it. */
  readonly data?: string;
  readonly threads?: number;
  /** More `ZEROHOP_*` variables, without the prefix: `{ LOG_LEVEL: 'debug' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Variables that are not the runtime's own, as they are. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How a node that speaks HTTPS is asked whether it is ready. */
  readonly tls?: BunFetchRequestInitTLS;
  /** Limit of open files of the process. */
  readonly openFiles?: number;
}

export interface TestNode extends AsyncDisposable {
  /** 'http://127.0.0.1:1234', without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly operationsUrl: string;
  /** Of the runtime itself, not of its launcher. */
  readonly pid: number;
  readonly folder: string;
  /** All it has printed so far, both streams. */
  readonly output: Output;
  /** Sends SIGTERM without waiting. */
  terminate(): void;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number>;
  /** Ends it without a word, as a power cut would. */
  kill9(): Promise<void>;
  readonly exited: Promise<number>;
}

/** Resolves when the node is ready. Rejects with what it printed when it ends before. */
export async function startNode(options: NodeOptions): Promise<TestNode> {
  const ownFolder = options.data === undefined ? mkdtempSync(join(tmpdir(), 'zerohop-node-')) : undefined;
  const folder = options.data ?? join(ownFolder ?? '', 'data');
  const launched = launch(['start', appFolder(options.app)], { ...options, data: folder });
  const { output, exited } = launched;
  const dispose = async () => {
    await launched.kill();
    if (ownFolder !== undefined) rmSync(ownFolder, { recursive: true, force: true });
  };
  try {
    const [, httpPort] = await output.match(/Application +https?:\/\/localhost:(\d+)\//);
    const [, operationsPort] = await output.match(/Operations +https?:\/\/localhost:(\d+)\//);
    const scheme = options.tls ? 'https' : 'http';
    const url = `${scheme}://127.0.0.1:${httpPort}`;
    await until(
      `the node at ${url} is ready`,
      async () => (await fetch(`${url}/ready`, options.tls && { tls: options.tls })).ok,
    );
    return {
      url,
      port: Number(httpPort),
      operationsUrl: `${scheme}://127.0.0.1:${operationsPort}`,
      pid: childOf(launched.pid),
      folder,
      output,
      exited,
      terminate: () => launched.terminate(),
      stop() {
        launched.terminate();
        return exited;
      },
      kill9: () => launched.kill(),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Starts a node that is expected to end by itself; resolves with what it printed. */
export async function runNode(options: NodeOptions): Promise<{ readonly code: number; readonly text: string }> {
  const launched = launch(['start', appFolder(options.app)], options);
  try {
    const code = await launched.exited;
    return { code, text: launched.output.text };
  } finally {
    await launched.kill();
  }
}

/** Starts a node that may or may not come up; one that does is stopped. Resolves with all it printed, and its exit code. */
export async function startOrEnd(options: NodeOptions): Promise<{ readonly code: number; readonly text: string }> {
  const launched = launch(['start', appFolder(options.app)], options);
  try {
    await launched.output.match(/Press Ctrl\+C to stop/).catch(() => {});
    launched.terminate();
    const code = await launched.exited;
    return { code, text: launched.output.text };
  } finally {
    await launched.kill();
  }
}

interface Launched {
  readonly pid: number;
  readonly output: Output;
  readonly exited: Promise<number>;
  terminate(): void;
  /** Ends launcher and runtime with SIGKILL; resolves when both are gone. */
  kill(): Promise<void>;
}

function launch(words: readonly string[], { data, threads, settings, environment, openFiles }: NodeOptions): Launched {
  const command = ['node', launcher, ...words];
  const variables = {
    HTTP_PORT: '0',
    HTTP_HOST: '127.0.0.1',
    OPERATIONS_PORT: '0',
    AUTHORIZE_LOCAL: 'true',
    ...(data !== undefined && { DATA: data }),
    ...(threads !== undefined && { THREADS: String(threads) }),
    ...settings,
  };
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`ZEROHOP_${name}`, value]));
  const child = Bun.spawn(
    openFiles === undefined ? command : ['sh', '-c', `ulimit -n ${openFiles} && exec "$@"`, 'sh', ...command],
    {
      env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...environment, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      // A process group of its own, so that launcher and runtime can be ended together, and nothing else with them.
      detached: true,
    },
  );
  const output = new Output([child.stdout, child.stderr]);
  const killGroup = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  };
  process.once('exit', killGroup);
  const exited = child.exited.then(async (code) => {
    // Both streams end with the last process that holds them. Bun can miss that: then nobody is left in its group.
    const waiting = new AbortController();
    await Promise.race([output.ended, whenGone(child.pid, waiting.signal)]);
    waiting.abort();
    return code;
  });
  return {
    pid: child.pid,
    output,
    exited,
    terminate: () => child.kill('SIGTERM'),
    async kill() {
      process.off('exit', killGroup);
      killGroup();
      await exited;
    },
  };
}

/** What was printed last is read in this time, in ms. */
const readMs = 500;

/** Resolves when a process group has nobody left, and what it printed has been read. */
async function whenGone(group: number, signal: AbortSignal): Promise<void> {
  try {
    for (; !signal.aborted; await Bun.sleep(20)) process.kill(-group, 0);
  } catch {
    // There is no such group any more.
    await Bun.sleep(readMs);
  }
}

function appFolder(app: string): string {
  return resolve(apps, app);
}

function childOf(pid: number): number {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return pid;
  return Number(readFileSync(file, 'utf8').trim().split(' ')[0]);
}
