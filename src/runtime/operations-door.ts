// Where operations come in: a port, and a socket in the data folder for whoever may open that.

import { rmSync } from 'node:fs';
import { type Logger, limits } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { TlsFiles } from '../protocols/http/index.ts';
import type { OperationsHandler } from '../protocols/operations/index.ts';
import { operationsSocketIn } from './data-folder.ts';
import { listenError } from './port-error.ts';

export async function listenForOperations(
  config: Config,
  { tls, log }: { readonly tls: TlsFiles | undefined; readonly log: Logger },
  folder: string,
  handle: OperationsHandler,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { host, port } = config.operations;
  const maxRequestBodySize = limits.operationBytes;
  const socket = socketOf(folder, log);
  try {
    const open = tls
      ? await listenOverTls(config, tls, log, handle)
      : Bun.serve({
          hostname: host,
          port,
          maxRequestBodySize,
          fetch: (request, server) => handle(request, server.requestIP(request)?.address ?? ''),
        });
    const local = socket === undefined ? undefined : listenOnSocket(socket, handle);
    return {
      port: open.port ?? port,
      async stop() {
        await Promise.all([open.stop(true), local?.stop()]);
      },
    };
  } catch (error) {
    throw listenError(error, { host, port, section: 'operations' });
  }
}

async function listenOverTls(
  config: Config,
  files: TlsFiles,
  log: Logger,
  handle: OperationsHandler,
): Promise<{ readonly port: number; stop(closeActive: true): Promise<void> }> {
  const { listenTls } = await import('../protocols/http/index.ts');
  const { host: hostname, port } = config.operations;
  const listener = await listenTls(
    (request, server, peer) =>
      handle(request, peer?.address ?? server.requestIP(request)?.address ?? '', peer?.certificate),
    { files, settings: config.tls, hostname, port, maxRequestBodySize: limits.operationBytes, log },
  );
  return {
    port: listener.port,
    async stop() {
      void listener.close();
      await listener.destroy();
    },
  };
}

function socketOf(folder: string, log: Logger): string | undefined {
  const path = operationsSocketIn(folder);
  if (path === undefined)
    log.warn(
      `The path of the data folder is too long for a socket in it: give commands for this node --target with the address of its operations port. ${folder}`,
    );
  return path;
}

function listenOnSocket(path: string, handle: OperationsHandler): { stop(): Promise<void> } {
  // What is left of a process that was killed; the folder is held by this one.
  rmSync(path, { force: true });
  // Made for the owner alone: nobody else can open it before its mode is set.
  const before = process.umask(0o177);
  const server = Bun.serve({
    unix: path,
    maxRequestBodySize: limits.operationBytes,
    fetch: (request) => handle(request, null),
  });
  process.umask(before);
  return {
    async stop() {
      await server.stop(true);
      try {
        rmSync(path, { force: true });
      } catch {
        // On a disk that has turned read-only it stays, and the next start removes it.
      }
    },
  };
}
