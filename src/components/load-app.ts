// Loads an app: reads its config.yaml and brings up its parts in the order they need each other. What fails is reported with file and line; the
// node serves the rest.
//
//   env · loadEnv → graphqlSchema → roles → dataLoader → jsResource → pages · static · rest

import { existsSync } from 'node:fs';
import { ZerohopError } from '../base/index.ts';
import type { PagesControl, PagesMeters } from '../pages/index.ts';
import type { HttpStep } from '../protocols/http/index.ts';
import type { AppNode } from '../resources/index.ts';
import { Metrics } from '../telemetry/index.ts';
import { type AppConfig, booleanOption, hasConfigFile, type Options, readAppConfig } from './app-config.ts';
import { type FilePatterns, filePatterns, findFiles } from './app-files.ts';
import { loadData } from './data-loader.ts';
import { loadSchema } from './graphql-schema.ts';
import { loadResources } from './js-resource.ts';
import { applyEnv, loadEnv } from './load-env.ts';
import { describeLoadError } from './load-error.ts';
import type { PagesMemory } from './pages.ts';
import { loadRoles } from './roles.ts';
import { staticStep } from './static-files.ts';

export interface LoadOptions {
  /** The app's folder, absolute. */
  readonly folder: string;
  /** What it is loaded into: tables, endpoints, middleware. */
  readonly node: AppNode;
  /** Whether this thread applies the schema and loads data. The others are started when that is done. */
  readonly primary: boolean;
  /** What the page cache shares with other threads; undefined: there are none. */
  readonly pagesMemory?: PagesMemory | undefined;
  /** What the parts of the app measure by themselves. */
  readonly meters?: PagesMeters | undefined;
}

export interface LoadedApp {
  /** What could not be loaded, one line each. */
  readonly problems: readonly string[];
  /** There is nothing in the folder that an app is made of. */
  readonly isEmpty: boolean;
  /** Steps for the HTTP chain: the app's static files. */
  readonly steps: readonly HttpStep[];
  /** Ends what goes on by itself. */
  readonly close: () => void;
  /** Undefined: the app does not want its resources served over REST. */
  readonly rest: RestOptions | undefined;
  /** Of the page cache in it. */
  readonly pages?: PagesControl | undefined;
}

export interface RestOptions {
  /** Send Last-Modified. */
  readonly lastModified: boolean;
}

export async function loadApp({ folder, node, primary, pagesMemory, meters }: LoadOptions): Promise<LoadedApp> {
  const problems: string[] = [];
  const steps: HttpStep[] = [];
  let close = (): void => {};
  const report = (error: unknown, file?: string): void => {
    const problem = describeLoadError(error, folder, file);
    problems.push(problem);
    // Each thread meets the same problems; whoever started the node tells them. The stack is for code that threw, and for one to log.
    if (primary && !(error instanceof ZerohopError))
      node.log.debug(`Where loading the app failed: ${problem}`, { error });
  };
  const attempt = async (load: () => void | Promise<void>): Promise<void> => {
    try {
      await load();
    } catch (error) {
      report(error);
    }
  };
  if (!existsSync(folder)) {
    report(
      new ZerohopError(
        'INVALID_CONFIG',
        `There is no folder ${folder}. Name the app's folder, or make one with "zerohop create".`,
      ),
    );
    return { problems, isEmpty: false, steps, close, rest: undefined };
  }
  let config: AppConfig;
  try {
    config = readAppConfig(folder);
  } catch (error) {
    report(error);
    return { problems, isEmpty: false, steps, close, rest: undefined };
  }
  let rest: RestOptions | undefined;
  let control: PagesControl | undefined;
  const {
    env,
    loadEnv: files,
    graphqlSchema,
    roles,
    dataLoader,
    jsResource,
    static: web,
    pages,
    rest: restOptions,
  } = config;
  if (env) await attempt(() => applyEnv(env, process.env));
  if (files) await attempt(() => loadEnv(files, folder, process.env));
  if (graphqlSchema) await attempt(() => loadSchema(graphqlSchema, folder, node, primary));
  if (roles && primary) await attempt(() => loadRoles(roles, folder, node, report));
  if (dataLoader && primary) await attempt(() => loadData(dataLoader, folder, node, report));
  const warn = (doubt: string): void => void (primary && node.log.warn(doubt));
  if (jsResource) await attempt(() => loadResources(jsResource, folder, node, report, warn));
  if (pages) {
    await attempt(async () => {
      const { loadPages } = await import('./pages.ts');
      const loaded = await loadPages(pages, {
        node,
        folder,
        primary,
        memory: pagesMemory,
        meters: meters ?? new Metrics('app'),
      });
      control = loaded.control;
      steps.push(loaded.step);
      close = loaded.close;
    });
  }
  if (web) await attempt(() => void steps.push(staticStep(web, folder)));
  if (restOptions) {
    await attempt(() => {
      rest = { lastModified: booleanOption(restOptions, 'lastModified', true, 'rest') };
    });
  }
  if (primary && hasConfigFile(folder)) warnMissing(config, folder, node);
  const isEmpty = !hasConfigFile(folder) && hasNothing(config, folder);
  if (primary && isEmpty) {
    node.log.warn(
      `There is no application in ${folder}: neither config.yaml nor a schema (*.graphql), resources.ts, data/ or web/. To make one: zerohop create NAME`,
    );
  }
  for (const { name, options } of config.unsupported) warnUnsupported(name, options, folder, node);
  return { problems, isEmpty, steps, close, rest, pages: control };
}

function hasNothing({ graphqlSchema, jsResource, dataLoader, static: web }: AppConfig, folder: string): boolean {
  const parts = Object.entries({ graphqlSchema, jsResource, dataLoader, static: web });
  return !parts.some(([name, options]) => options && findFiles(folder, filePatterns(options, name, folder)).length > 0);
}

/** A name that was mistyped would otherwise be silently without effect. */
function warnMissing(
  { graphqlSchema, roles, dataLoader, jsResource, static: web }: AppConfig,
  folder: string,
  node: AppNode,
): void {
  for (const [name, options] of Object.entries({ graphqlSchema, roles, dataLoader, jsResource, static: web })) {
    const patterns = options && patternsOrNone(options, name, folder);
    if (patterns && findFiles(folder, patterns).length === 0)
      node.log.warn(`config.yaml: ${name}.files: there is no file ${patterns.source.join(', ')} in ${folder}.`);
  }
}

/** Undefined: they are wrong, which was told where they were to be loaded. */
function patternsOrNone(options: Options, name: string, folder: string): FilePatterns | undefined {
  try {
    return filePatterns(options, name, folder);
  } catch {
    return undefined;
  }
}

/** Only where there is something that would have been loaded. */
function warnUnsupported(name: string, options: Options, folder: string, node: AppNode): void {
  if (options.files !== undefined && findFiles(folder, filePatterns(options, name, folder)).length === 0) return;
  node.log.warn(`config.yaml: "${name}" is not supported by this version of the runtime and was not loaded.`);
}
