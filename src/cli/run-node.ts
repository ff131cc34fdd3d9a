// `zerohop start` and `zerohop dev`: configuration → a running node → until it is stopped.

import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { relative, resolve } from 'node:path';
import { type Logger, ZerohopError } from '../base/index.ts';
import { type Config, loadConfig } from '../config/index.ts';
import type { RunningNode } from '../runtime/index.ts';
import { BadUsage, Refusal } from './failure.ts';
import { firstStopSignal } from './stop-signals.ts';
import { version } from './version.ts';

export interface RunOptions {
  readonly app: string;
  readonly dev: boolean;
  /** Texts typed for configuration keys, by key path. */
  readonly flags: Readonly<Record<string, string>>;
  readonly configFile?: string;
  /** Whether a launcher starts the node again when it asks for that. */
  readonly isLaunched: boolean;
}

/** Resolves with the exit code when the node has stopped. */
export async function runNode(options: RunOptions): Promise<number> {
  const stopSignal = firstStopSignal();
  const app = appFolder(options.app);
  const config = configOf(options);
  const [{ startNode }, { createLogger, logFileIn }] = await Promise.all([
    import('../runtime/index.ts'),
    import('../telemetry/index.ts'),
  ]);
  const log = await createLogger({ ...config.log, file: config.log.keep ? logFileIn(config.data) : undefined });
  const node = await startNode({
    config,
    app,
    dev: options.dev,
    log,
    isLaunched: options.isLaunched,
    configFile: resolve(options.configFile ?? process.env.ZEROHOP_CONFIG ?? 'zerohop.yaml'),
  });
  // Before the node says that it is there: what is changed from then on is noticed.
  const watcher = options.dev ? await watchApp(app, config, node, log) : undefined;
  // With JSON lines asked for, nothing but those is written.
  const isForPeople = config.log.format !== 'json';
  if (isForPeople) console.log(banner(node, options.dev));
  else log.info('ready', { version, http: node.httpUrl, operations: node.operationsUrl, data: node.dataFolder });
  for (const problem of node.problems) log.error(problem);
  void stopSignal.then(() => {
    if (isForPeople) console.log('\nStopping. Press Ctrl+C again to end at once.');
    else log.info('stopping');
    watcher?.close();
    return node.stop();
  });
  const { code, reason } = await Promise.race([node.stopped, uncaught(log)]);
  watcher?.close();
  if (reason !== undefined) console.error(`zerohop: ${reason}`);
  return code;
}

/** Resolves at an error nobody caught in this thread: where a node has no others, that of a timer or an event of the app. */
function uncaught(log: Logger): Promise<{ readonly code: number; readonly reason: string }> {
  return new Promise((resolve) => {
    process.on('uncaughtException', (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      const reason = `The node ends, as nobody caught this error: ${message}. What was acknowledged is on disk; start it again.`;
      log.fatal(reason, { error });
      resolve({ code: 1, reason });
    });
  });
}

function configOf({ flags, dev, configFile }: RunOptions): Config {
  try {
    return loadConfig({
      flags,
      env: process.env,
      folder: process.cwd(),
      ...(configFile !== undefined && { file: configFile }),
      defaults: {
        authorizeLocal: dev,
        'http.host': allInterfaces(),
        'replication.host': allInterfaces(),
        'agent.host': allInterfaces(),
      },
    });
  } catch (error) {
    throw error instanceof ZerohopError ? new BadUsage(error.message) : error;
  }
}

/** `::` answers IPv4 as well, but can't be listened on where there is no IPv6. */
function allInterfaces(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

function appFolder(app: string): string {
  const folder = resolve(app);
  const entry = statSync(folder, { throwIfNoEntry: false });
  if (entry === undefined) {
    throw new Refusal(`The application folder ${app} does not exist. To make one: zerohop create ${app}`);
  }
  if (!entry.isDirectory()) throw new Refusal(`${app} is a file. Give the folder of an application.`);
  return folder;
}

function banner(node: RunningNode, dev: boolean): string {
  return `
  Zerohop ${version}${dev ? ', development' : ''}

  Application  ${node.httpUrl}
  Operations   ${node.operationsUrl}
  Data         ${node.dataFolder}

  Press Ctrl+C to stop.
`;
}

async function watchApp(app: string, config: Config, node: RunningNode, log: Logger): Promise<{ close(): void }> {
  const { FolderWatcher } = await import('./folder-watcher.ts');
  const watcher = new FolderWatcher(app, [config.data]);
  void reloadOnChange(app, watcher, node, log);
  return watcher;
}

/** One reload at a time; what changes during one makes the next. Code that can't be loaded leaves the old one serving. */
async function reloadOnChange(
  app: string,
  watcher: { changes(): AsyncIterable<readonly string[]> },
  node: RunningNode,
  log: Logger,
): Promise<void> {
  for await (const changed of watcher.changes()) {
    const names = changed.map((path) => relative(app, path));
    log.info(`Changed: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`);
    const startedMs = performance.now();
    try {
      await node.reload();
      const tookMs = Math.round(performance.now() - startedMs);
      for (const problem of node.problems) log.error(problem);
      if (node.problems.length === 0) log.info(`Reloaded in ${tookMs} ms.`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const fields = error instanceof ZerohopError ? {} : { error };
      log.error(`The changed app can not be loaded; the one before it goes on serving. ${reason}`, fields);
    }
  }
}
