// Importing the modules of an app, so that `import { tables } from 'zerohop'` is this very runtime, wherever the app's folder is.

import { plugin } from 'bun';
import { type AppNode, whileLoading } from '../resources/index.ts';
import { appApi } from './app-api.ts';

const names = ['zerohop', 'harperdb', 'harper'];
let isProvided = false;

/** Makes the runtime importable by its names, and its parts global. Once per thread. */
export function provideRuntime(): void {
  if (isProvided) return;
  isProvided = true;
  plugin({
    name: 'zerohop',
    setup(build) {
      for (const name of names) build.module(name, () => ({ exports: { ...appApi }, loader: 'object' }));
    },
  });
  for (const [name, value] of Object.entries(appApi)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
  }
}

/** Imports a module of the app as code of `node`. */
export async function importAppModule(
  path: string,
  folder: string,
  node: AppNode,
): Promise<Readonly<Record<string, unknown>>> {
  provideRuntime();
  return whileLoading(node, async () => {
    forgetModules(folder, node);
    return import(path);
  });
}

const loadedBy = new Map<string, AppNode>();

/** An app loaded anew, for another node or after a change, gets modules of its own: theirs hold state. */
function forgetModules(folder: string, node: AppNode): void {
  if (loadedBy.get(folder) === node) return;
  loadedBy.set(folder, node);
  for (const path of Object.keys(require.cache)) {
    const isOwn =
      path.startsWith(`${folder}/`) && !path.includes('/node_modules/') && !/\.(test|spec)\.[cm]?[jt]sx?$/.test(path);
    if (isOwn) delete require.cache[path];
  }
}
