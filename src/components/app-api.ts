// What app code imports from 'zerohop', 'harperdb' or 'harper', and has as globals. Everything that belongs to a node stands for that of
// the running code: see resources/scope.ts.

import type { Logger } from '../base/index.ts';
import {
  type AppNode,
  AppServer,
  appDatabases,
  createBlob,
  currentNode,
  ExtendedIterable,
  getContext,
  getResponse,
  getUser,
  Registry,
  RequestTarget,
  Resource,
  trace,
  traceHeaders,
  transaction,
} from '../resources/index.ts';
import { appPages } from './pages-api.ts';

/** Writes to the node's log. Takes what console.log takes; an Error is told with its stack. */
export type AppLogger = Readonly<
  Record<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'notify', (...parts: unknown[]) => void>
>;

const databases = appDatabases();

export const appApi = {
  databases,
  get tables() {
    return databases.data ?? {};
  },
  Resource,
  RequestTarget,
  ExtendedIterable,
  transaction,
  createBlob,
  getContext,
  getUser,
  getResponse,
  trace,
  traceHeaders,
  server: ofNode(AppServer.prototype, ({ server }) => server),
  resources: ofNode(Registry.prototype, ({ registry }) => registry),
  contentTypes: ofNode<AppServer['contentTypes']>(Map.prototype, ({ server }) => server.contentTypes),
  config: ofNode<AppNode['config']>({}, ({ config }) => config),
  logger: appLogger(() => currentNode().log),
  pages: appPages,
};

/** Stands for an object of the current node. */
function ofNode<Part extends object>(prototype: object, find: (node: AppNode) => Part): Part {
  return new Proxy<Part>(Object.create(prototype), {
    get(_target, name) {
      const part = find(currentNode());
      const value: unknown = Reflect.get(part, name, part);
      return typeof value === 'function' ? value.bind(part) : value;
    },
    set: (_target, name, value) => Reflect.set(find(currentNode()), name, value),
    has: (_target, name) => Reflect.has(find(currentNode()), name),
    ownKeys: () => Reflect.ownKeys(find(currentNode())),
    getOwnPropertyDescriptor(_target, name) {
      const found = Reflect.getOwnPropertyDescriptor(find(currentNode()), name);
      return found && { ...found, configurable: true };
    },
  });
}

function appLogger(log: () => Logger): AppLogger {
  const write =
    (level: Exclude<keyof AppLogger, 'notify'>) =>
    (...parts: unknown[]) => {
      const logger = log();
      if (!logger.isEnabled(level)) return;
      const error = parts.find((part) => part instanceof Error);
      const text = parts.map((part) =>
        part instanceof Error ? part.message : typeof part === 'string' ? part : Bun.inspect(part),
      );
      logger[level](text.join(' '), error === undefined ? {} : { error });
    };
  return {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    notify: write('info'),
  };
}
