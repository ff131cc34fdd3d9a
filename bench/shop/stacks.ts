// The three ways to run the shop: one Zerohop node; four services behind a storefront; one Fastify process. Each a group of processes that can be
// started, asked and stopped, with its data in a place of its own that outlives a stop.

import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freePort } from '../lab.ts';
import { processTree } from '../process-memory.ts';
import { createPostgres, type Postgres } from './postgres.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');
const app = join(root, 'apps/store');
const microservices = join(root, 'bench/microservices');
const frontEnd = join(app, 'web');

export const stackNames = ['unified', 'monolith', 'microservices'] as const;
export type StackName = (typeof stackNames)[number];

/** Name → process id. Children of a process count as it. */
export type Processes = Readonly<Record<string, number>>;

export interface Stack extends AsyncDisposable {
  readonly name: StackName;
  /** Where visitors ask. The same after every start. */
  readonly url: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Starts all processes at once; resolves when a page is answered, with the time that took. */
  start(): Promise<number>;
  /** Those that run; none before `start` and after `stop`. */
  processes(): Processes;
  stop(): Promise<void>;
}

/** More variables for each process, by what it runs on. */
export interface StackEnvironment {
  readonly zerohop?: Readonly<Record<string, string>>;
  readonly node?: Readonly<Record<string, string>>;
}

/** @param folder for data and output; of this stack alone */
export async function createStack(
  name: StackName,
  folder: string,
  port = freePort(),
  environment: StackEnvironment = {},
): Promise<Stack> {
  mkdirSync(folder, { recursive: true });
  const group = new ProcessGroup(folder, environment);
  if (name === 'unified') return createUnified(group, folder, port);
  return name === 'monolith' ? createMonolith(group, port) : createMicroservices(group, port);
}

/** As a person runs it: `zerohop start apps/store`, with the default number of threads. */
async function createUnified(group: ProcessGroup, folder: string, port: number): Promise<Stack> {
  const operationsPort = freePort();
  const launch = () =>
    group.launch('zerohop', ['node', join(root, 'bin/zerohop.js'), 'start', app], {
      ...group.environment.zerohop,
      ZEROHOP_HTTP_PORT: String(port),
      ZEROHOP_OPERATIONS_PORT: String(operationsPort),
      ZEROHOP_DATA: join(folder, 'data'),
      ZEROHOP_LOG_FORMAT: 'json',
      ZEROHOP_LOG_LEVEL: 'warn',
    });
  return assemble('unified', port, { zerohop: '0.1.0', bun: Bun.version }, group, launch);
}

async function createMonolith(group: ProcessGroup, port: number): Promise<Stack> {
  const postgres = await filledPostgres('together');
  const launch = () => {
    group.adopt('postgres', postgres.launch());
    group.launchNode('monolith', join(root, 'bench/monolith/main.js'), [
      String(port),
      postgres.database('shop'),
      frontEnd,
    ]);
  };
  return assemble('monolith', port, await rivalVersions(postgres), group, launch, postgres);
}

async function createMicroservices(group: ProcessGroup, port: number): Promise<Stack> {
  const postgres = await filledPostgres('separate');
  const services = ['catalog', 'inventory', 'pricing', 'reviews'].map((service) => ({ service, port: freePort() }));
  const launch = () => {
    group.adopt('postgres', postgres.launch());
    for (const { service, port } of services)
      group.launchNode(service, join(microservices, 'service.js'), [service, String(port), postgres.database(service)]);
    const urls = services.map(({ port }) => `http://127.0.0.1:${port}`);
    group.launchNode('storefront', join(microservices, 'storefront.js'), [String(port), ...urls, frontEnd]);
  };
  return assemble('microservices', port, await rivalVersions(postgres), group, launch, postgres);
}

function assemble(
  name: StackName,
  port: number,
  versions: Readonly<Record<string, string>>,
  group: ProcessGroup,
  launch: () => void,
  postgres?: Postgres,
): Stack {
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await group.stop();
    await postgres?.stop();
  };
  return {
    name,
    url,
    versions,
    processes: () => group.processes(),
    async start() {
      const startedMs = performance.now();
      launch();
      await until(
        () => `The stack ${name} did not start:\n${group.output()}`,
        () => isServing(url),
        () => group.hasEnded(),
      );
      return performance.now() - startedMs;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await postgres?.[Symbol.asyncDispose]();
    },
  };
}

/** A server with the shop's data in it, stopped again. */
async function filledPostgres(layout: 'separate' | 'together'): Promise<Postgres> {
  const postgres = await createPostgres();
  try {
    postgres.launch();
    await postgres.ready();
    const loader = join(microservices, 'stores/postgres/load.js');
    const child = Bun.spawn(['node', loader, postgres.url, layout, join(app, 'data')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [trouble, code] = await Promise.all([child.stderr.text(), child.exited]);
    if (code !== 0) throw new Error(`The shop's data could not be loaded into PostgreSQL:\n${trouble}`);
    await postgres.stop();
    return postgres;
  } catch (error) {
    await postgres[Symbol.asyncDispose]();
    throw error;
  }
}

async function rivalVersions(postgres: Postgres): Promise<Record<string, string>> {
  const node = Bun.spawn(['node', '--version'], { stdout: 'pipe' });
  const packages = ['fastify', 'pg', 'undici'].map(
    async (name) =>
      [name, String((await Bun.file(join(root, 'node_modules', name, 'package.json')).json()).version)] as const,
  );
  return {
    node: (await node.stdout.text()).trim().replace(/^v/, ''),
    postgres: postgres.version,
    ...Object.fromEntries(await Promise.all(packages)),
  };
}

async function isServing(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/Pdp/p-0001`);
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

const stopMs = 15_000;

/** Processes that are started and stopped together. */
class ProcessGroup {
  readonly environment: StackEnvironment;
  readonly #folder: string;
  readonly #children = new Map<string, Bun.Subprocess>();
  readonly #adopted = new Map<string, number>();

  constructor(folder: string, environment: StackEnvironment) {
    this.#folder = folder;
    this.environment = environment;
  }

  launch(name: string, command: readonly string[], environment: Readonly<Record<string, string>>): void {
    const output = openSync(this.#outputPath(name), 'w');
    const child = Bun.spawn([...command], {
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', ...environment },
      stdio: ['ignore', output, output],
    });
    this.#children.set(name, child);
  }

  /** A program of the rivals, on Node as it runs in production. */
  launchNode(name: string, file: string, words: readonly string[]): void {
    this.launch(name, ['node', file, ...words], { NODE_ENV: 'production', ...this.environment.node });
  }

  /** One that somebody else stops. */
  adopt(name: string, pid: number): void {
    this.#adopted.set(name, pid);
  }

  processes(): Processes {
    return Object.fromEntries([
      ...[...this.#children].map(([name, { pid }]) => [name, pid] as const),
      ...this.#adopted,
    ]);
  }

  hasEnded(): boolean {
    return [...this.#children.values()].some(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
  }

  /** The end of what each has printed. */
  output(): string {
    return [...this.#children.keys()]
      .map((name) => `${name}: ${readFileSync(this.#outputPath(name), 'utf8').slice(-1500)}`)
      .join('\n');
  }

  async stop(): Promise<void> {
    const children = [...this.#children.values()];
    this.#children.clear();
    this.#adopted.clear();
    await Promise.all(children.map(endOf));
  }

  #outputPath(name: string): string {
    return join(this.#folder, `${name}.log`);
  }
}

async function endOf(child: Bun.Subprocess): Promise<void> {
  const tree = child.exitCode === null && child.signalCode === null ? processTree(child.pid) : [];
  child.kill('SIGTERM');
  const killer = setTimeout(() => {
    for (const pid of tree) process.kill(pid, 'SIGKILL');
  }, stopMs);
  await child.exited;
  clearTimeout(killer);
}
