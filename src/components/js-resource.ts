// `jsResource`: the app's modules. What they export becomes endpoints:
//
//   export class Foo                    /Foo/
//   export const Bar = { Foo }          /Bar/Foo/
//   export default class                /
//   export { Foo as '/widget/:id' }     /widget/:id
//   static path = '/widget/:id'         the same, whatever the export is called

import { join } from 'node:path';
import { type AppNode, ownMethod, Resource, type ResourceClass, verbs } from '../resources/index.ts';
import { isOptions, type Options } from './app-config.ts';
import { filePatterns, findFiles } from './app-files.ts';
import { importAppModule } from './app-modules.ts';

/**
 * @param report told of every file that could not be loaded; the others still are
 * @param warn told of what is loaded and never called
 */
export async function loadResources(
  options: Options,
  folder: string,
  node: AppNode,
  report: (error: unknown, file: string) => void,
  warn: (doubt: string) => void,
): Promise<void> {
  for (const file of findFiles(folder, filePatterns(options, 'jsResource', folder))) {
    try {
      const module = await importAppModule(join(folder, file), folder, node);
      for (const { path, resource } of endpointsOf(module)) {
        node.registry.set(path, resource, {}, file);
        const idle = uncalledIn(resource);
        if (idle.length > 0)
          warn(
            `${file}: ${idle.join(', ')} of /${path} will not be called: real-time messaging (WebSockets, server-sent events, MQTT) is not supported by this version of the runtime.`,
          );
      }
    } catch (error) {
      report(error, file);
    }
  }
}

/** What the class says of messages. `subscribe` may be that of a source for tables, and is called then. */
function uncalledIn(resource: ResourceClass): string[] {
  const isTable = resource.tableName !== undefined;
  const messaging = isTable ? (['connect', 'publish', 'subscribe'] as const) : (['connect', 'publish'] as const);
  return messaging.filter((verb) => ownMethod(resource, verb) !== undefined);
}

interface Endpoint {
  readonly path: string;
  readonly resource: ResourceClass;
}

/** The endpoints among the exports of a module. */
export function endpointsOf(module: Readonly<Record<string, unknown>>): Endpoint[] {
  return Object.entries(module).flatMap(([name, value]) => endpointsUnder(name === 'default' ? '' : name, value));
}

function endpointsUnder(path: string, value: unknown): Endpoint[] {
  if (isResourceClass(value)) return [{ path: ownPath(value) ?? path, resource: value }];
  if (!isOptions(value) || Object.getPrototypeOf(value) !== Object.prototype) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    endpointsUnder(path === '' ? name : `${path}/${name}`, inner),
  );
}

/** Not that of the class it extends: then both would be published there. */
function ownPath(resource: ResourceClass): string | undefined {
  const path = Object.hasOwn(resource, 'path') ? resource.path : undefined;
  return path?.replace(/^\.\//, '');
}

function isResourceClass(value: unknown): value is ResourceClass {
  if (typeof value !== 'function') return false;
  if (Object.prototype.isPrototypeOf.call(Resource, value)) return true;
  return verbs.some((verb) => Object.hasOwn(value, verb) && typeof Reflect.get(value, verb) === 'function');
}
