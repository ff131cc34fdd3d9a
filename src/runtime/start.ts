// Starts and stops a node, top to bottom. The only place where things are wired.
//
//   start: data folder · store thread · first serve thread (schema, data, app) · other serve threads · operations port
//   stop:  not ready · listeners close, requests in flight end · writes commit · checkpoint · data folder is let go

import { join } from 'node:path';
import { limits, systemClock, ZerohopError } from '../base/index.ts';
import type { Agent } from '../cluster/index.ts';
import {
  ClusterDeployments,
  DeploymentFolder,
  Deployments,
  deploymentTables,
  type Member,
} from '../deployments/index.ts';
import type { TlsFiles } from '../protocols/http/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import {
  logFileIn,
  Metrics,
  measureProcess,
  measureThread,
  prometheusContentType,
  releaseLogFile,
  renderPrometheus,
} from '../telemetry/index.ts';
import { makeAdministrator } from './administrator.ts';
import { analyticsTable, keepAnalytics } from './analytics.ts';
import { isInCluster, takeDataFolder } from './data-folder.ts';
import { jobTable } from './job-table.ts';
import { listenForOperations } from './operations-door.ts';
import { checkPortFree, checkPortsDiffer } from './port-error.ts';
import { restartCode, restartDelayMs } from './restart.ts';
import { openRedirect, readTls } from './tls.ts';
import type { RunningNode, StartOptions, Workers, WorkersOptions } from './types.ts';
import { version } from './version.ts';

export async function startNode(options: StartOptions): Promise<RunningNode> {
  const { config, log } = options;
  checkPortsDiffer(config.http, config.operations);
  checkPortFree({ ...config.http, section: 'http' });
  checkPortFree({ ...config.operations, section: 'operations' });
  const tls = await readTls(config);
  const folder = takeDataFolder(config.data);
  releaseLogFile(logFileIn(folder.path));
  const deployed = new DeploymentFolder(folder.path);
  const metrics = new Metrics('main');
  let end: (result: { code: number; reason?: string }) => void = () => {};
  const stopped = new Promise<{ code: number; reason?: string }>((resolve) => {
    end = resolve;
  });
  const attemptsMemory = new SharedArrayBuffer(limits.sharedAttemptsBytes);
  let state: 'starting' | 'running' | 'stopping' = 'starting';
  let workers: Workers | undefined;
  let stopSql = () => {};
  let stopKeeping = () => {};
  let stopAnalytics = () => {};
  let following: ClusterDeployments | undefined;
  let problems: readonly string[] = [];
  const reload = async () => {
    problems = (await workers?.reload()) ?? [];
  };
  const restart = () => void setTimeout(() => stop(restartCode), restartDelayMs);
  let stopping: Promise<void> | undefined;
  const stop = (code: number): Promise<void> => {
    state = 'stopping';
    stopping ??= (async () => {
      stopKeeping();
      stopAnalytics();
      following?.stop();
      await agent?.drain();
      await workers?.stop();
      stopSql();
      await operations?.stop();
      await redirect?.stop();
      agent?.stop();
      folder.release();
      end({ code });
    })();
    return stopping;
  };
  let agent: Agent | undefined;
  const maintenance = {
    get isOn() {
      return agent?.isInMaintenance;
    },
    turn(isOn: boolean) {
      if (agent) agent.isInMaintenance = isOn;
    },
  };
  let operations: { readonly port: number; stop(): Promise<void> } | undefined;
  let redirect: { stop(): Promise<void> } | undefined;
  try {
    const workersOptions: WorkersOptions = {
      ...options,
      folder: folder.path,
      nodeId: folder.nodeId,
      metrics,
      app: appToRun(options, deployed),
      systemTables: systemTables(),
      attemptsMemory,
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
    // The app answers already: it need not wait for these modules.
    stopKeeping = (await import('./engine-threads.ts')).keepEngineThreadsBehind();
    const {
      analyticsOperations,
      backupOperations,
      clusterOperations,
      createOperationsHandler,
      dataOperations,
      deploymentOperations,
      jobOperations,
      logOperations,
      pagesOperations,
      schemaOperations,
      searchForExports,
      StatusBoard,
      sqlOperations,
      statusOperations,
      systemOperations,
      userOperations,
    } = await import('../protocols/operations/index.ts');
    const { Identities, SecurityEvents } = await import('../security/index.ts');
    const { AppServer, Registry } = await import('../resources/index.ts');
    const { SqlProcesses } = await import('../sql/index.ts');
    const processes = new SqlProcesses({ timeoutMs: config.limits.sqlMs });
    stopSql = () => processes.stop();
    const databases = await running.openDatabases();
    const identities = new Identities({
      databases,
      clock: systemClock,
      keyFile: join(folder.path, 'keys', 'token.json'),
      authorizeLocal: config.authorizeLocal,
      events: new SecurityEvents(databases, systemClock, log),
      memory: attemptsMemory,
    });
    const registry = new Registry(databases);
    const node = { databases, registry, server: new AppServer(registry, {}, 'operations'), log, config: {} };
    const snapshots = async () => [metrics.snapshot(), ...(await running.snapshots())];
    const { periodMs } = config.analytics;
    stopAnalytics = keepAnalytics({ databases, snapshots, periodMs, log });
    const sql = { node, folder: folder.path, processes, rows: config.limits.sqlRows };
    const deployments = new Deployments({
      folder: deployed,
      startApp: options.app,
      log,
      runner: {
        check: (app) => running.check(app),
        run: async (app) => {
          problems = await running.reload(app);
        },
      },
    });
    following = new ClusterDeployments({
      deployments,
      databases,
      node: folder.nodeId,
      members: () => membersOf(running),
      log,
    });
    const board = new StatusBoard();
    let isRestartRequired = false;
    operations = await listenForOperations(
      config,
      { tls, log },
      folder.path,
      createOperationsHandler({
        notReady: () => (state === 'running' ? board.notAvailable : state),
        metrics: async () => {
          const text = await renderPrometheus(await snapshots());
          return { text, contentType: prometheusContentType };
        },
        operations: [
          ...userOperations(identities),
          ...dataOperations(node),
          ...sqlOperations(sql),
          ...jobOperations(node, databases.table(jobTable.database, jobTable.name), searchForExports(sql), log),
          ...backupOperations(folder.path),
          ...systemOperations({
            config,
            configFile: options.configFile,
            folder: folder.path,
            databases,
            version,
            nodeId: folder.nodeId,
            configured: () => {
              isRestartRequired = true;
            },
          }),
          ...statusOperations({
            board,
            problems: () => problems,
            isRestartRequired: () => isRestartRequired,
            reload,
            restart: options.isLaunched ? restart : undefined,
          }),
          ...logOperations(folder.path),
          ...deploymentOperations(deployments, following),
          ...analyticsOperations({
            databases,
            table: databases.table(analyticsTable.database, analyticsTable.name),
            snapshots,
          }),
          ...schemaOperations(node, (change) => running.changeDatabase(change)),
          ...clusterOperations((request) => running.askCluster(request), maintenance),
          ...pagesOperations((order, whose) => running.pages(order, whose)),
        ],
        identify: async ({ method, headers }, address, certificate) =>
          identities.identify({ method, headers, address: () => address, certificate }),
        actAs: (user, wanted) => identities.actAs(user, wanted),
        mayCall: (user, operation) => identities.mayCall(user, operation),
        failed: (operation, error) => log.error(`The operation ${operation} failed`, { error }),
      }),
    );
    redirect = await openRedirect(config, running.httpPort);
    if (config.agent.port !== 0) {
      const { startAgent } = await import('./load-agent.ts');
      const httpUrl = urlOf(config.http.host, running.httpPort, tls);
      agent = await startAgent(config, httpUrl, running, () => board.notAvailable === null);
    }
    // Where whoever is on this machine is administrator, there is one.
    following.start();
    if (!config.authorizeLocal) await makeAdministrator(identities, isInCluster(config.replication, folder.path), log);
  } catch (error) {
    stopKeeping();
    agent?.stop();
    await workers?.stop();
    folder.release();
    throw error;
  }
  state = 'running';
  const started = workers;
  problems = started.problems;
  return {
    httpUrl: urlOf(config.http.host, started.httpPort, tls),
    operationsUrl: urlOf(config.operations.host, operations.port ?? config.operations.port, tls),
    dataFolder: folder.path,
    get problems() {
      return problems;
    },
    reload,
    stop: () => stop(0),
    stopped,
  };
}

/** Its modules load while the other threads do. */
async function systemTables(): Promise<readonly TableDefinition[]> {
  const { securityTables } = await import('../security/index.ts');
  return [jobTable, analyticsTable, ...deploymentTables, ...securityTables];
}

/** What was deployed last, but while it is developed. */
function appToRun({ app, dev, log }: StartOptions, deployed: DeploymentFolder): string {
  const { current } = deployed;
  if (!current || dev) return app;
  if (!deployed.has(current.id)) {
    log.warn(`The app of deployment ${current.id} is gone from the data folder. ${app} runs in its place.`);
    return app;
  }
  log.info(`The app deployed by ${current.id} runs, in place of ${app}. To run that again: zerohop rollback`);
  return deployed.appOf(current.id);
}

/** The other members of the cluster; none where there is no cluster. */
async function membersOf(workers: Workers): Promise<readonly Member[]> {
  try {
    const { peers = [] } = (await workers.askCluster({ type: 'status' })) as { peers?: readonly Member[] };
    return peers;
  } catch (error) {
    if (error instanceof ZerohopError && error.code === 'CONFLICT') return [];
    throw error;
  }
}

/** Where a person on this machine finds what listens there. */
function urlOf(host: string, port: number, tls: TlsFiles | undefined): string {
  const isEverywhere = host === '::' || host === '0.0.0.0' || host === '::1' || host.startsWith('127.');
  const name = isEverywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${name}:${port}/`;
}
