// Starts and stops a node, top to bottom. The only place where things are wired.
//
//   start: data folder · store thread · first serve thread (schema, data, app) · other serve threads · operations port
//   stop:  not ready · listeners close, requests in flight end · writes commit · checkpoint · data folder is let go

import type { Config } from '../config/index.ts';
import { createOperationsHandler } from '../protocols/operations/index.ts';
import { Metrics, measureProcess, measureThread, prometheusContentType, renderPrometheus } from '../telemetry/index.ts';
import { takeDataFolder } from './data-folder.ts';
import { checkPortFree, checkPortsDiffer, listenError } from './port-error.ts';
import type { RunningNode, StartOptions, Workers, WorkersOptions } from './types.ts';
import { version } from './version.ts';

export async function startNode(options: StartOptions): Promise<RunningNode> {
  const { config, log } = options;
  checkPortsDiffer(config.http, config.operations);
  checkPortFree({ ...config.http, section: 'http' });
  checkPortFree({ ...config.operations, section: 'operations' });
  const folder = takeDataFolder(config.data);
  const metrics = new Metrics('main');
  let end: (result: { code: number; reason?: string }) => void = () => {};
  const stopped = new Promise<{ code: number; reason?: string }>((resolve) => {
    end = resolve;
  });
  let state: 'starting' | 'running' | 'stopping' = 'starting';
  let workers: Workers | undefined;
  let operations: ReturnType<typeof Bun.serve> | undefined;
  try {
    const workersOptions: WorkersOptions = {
      ...options,
      folder: folder.path,
      nodeId: folder.nodeId,
      metrics,
      fatal: (reason) => {
        log.fatal(reason);
        end({ code: 1, reason });
      },
    };
    // Only what is needed is imported: it shows in the time to start.
    workers =
      config.threads === 0
        ? await (await import('./in-process.ts')).startInProcess(workersOptions)
        : await (await import('./threads.ts')).startThreads(workersOptions);
    measureThread(metrics);
    measureProcess(metrics, version);
    const running = workers;
    operations = listenForOperations(
      config,
      () => (state === 'running' ? null : state),
      async () => {
        const snapshots = await running.snapshots();
        return { text: await renderPrometheus([metrics.snapshot(), ...snapshots]), contentType: prometheusContentType };
      },
    );
  } catch (error) {
    await workers?.stop();
    folder.release();
    throw error;
  }
  state = 'running';
  const started = workers;
  let stopping: Promise<void> | undefined;
  let problems = started.problems;
  return {
    httpUrl: urlOf(config.http.host, started.httpPort),
    operationsUrl: urlOf(config.operations.host, operations.port ?? config.operations.port),
    dataFolder: folder.path,
    get problems() {
      return problems;
    },
    async reload() {
      problems = await started.reload();
    },
    stop() {
      state = 'stopping';
      stopping ??= (async () => {
        await started.stop();
        await operations?.stop(true);
        folder.release();
        end({ code: 0 });
      })();
      return stopping;
    },
    stopped,
  };
}

/** Where a person on this machine finds what listens there. */
function urlOf(host: string, port: number): string {
  const isEverywhere = host === '::' || host === '0.0.0.0' || host === '::1' || host.startsWith('127.');
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}/`;
}

function listenForOperations(
  config: Config,
  notReady: () => string | null,
  metrics: () => Promise<{ text: string; contentType: string }>,
): ReturnType<typeof Bun.serve> {
  const { host, port } = config.operations;
  try {
    return Bun.serve({ hostname: host, port, fetch: createOperationsHandler({ notReady, metrics }) });
  } catch (error) {
    throw listenError(error, { host, port, section: 'operations' });
  }
}
