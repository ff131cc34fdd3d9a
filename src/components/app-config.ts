// config.yaml of an app → what to load, checked: a key or option that is not known is refused, never ignored.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { nearest, ZerohopError } from '../base/index.ts';
import { namedKeys } from '../config/index.ts';

/** The parts of an app, in the order they are loaded, with their options as written. */
export interface AppConfig {
  readonly env: Options | undefined;
  readonly loadEnv: Options | undefined;
  readonly graphqlSchema: Options | undefined;
  readonly roles: Options | undefined;
  readonly dataLoader: Options | undefined;
  readonly jsResource: Options | undefined;
  readonly static: Options | undefined;
  /** Checked by the page cache. */
  readonly pages: unknown;
  readonly rest: Options | undefined;
  /** What the runtime knows of but does not do. */
  readonly unsupported: readonly { readonly name: string; readonly options: Options }[];
}

export type Options = Readonly<Record<string, unknown>>;

/** When there is no config.yaml. */
const defaults: Readonly<Record<string, unknown>> = {
  rest: true,
  loadEnv: { files: '.env' },
  graphqlSchema: { files: '*.graphql' },
  roles: { files: 'roles.yaml' },
  dataLoader: { files: 'data/*.{json,yaml,yml}' },
  jsResource: { files: ['resources.js', 'resources.ts'] },
  fastifyRoutes: { files: 'routes/*.js' },
  static: { files: 'web/**' },
};

const optionNames: Readonly<Record<string, readonly string[]>> = {
  rest: ['lastModified', 'webSocket'],
  loadEnv: ['files', 'override'],
  graphqlSchema: ['files'],
  roles: ['files'],
  dataLoader: ['files'],
  jsResource: ['files'],
  static: ['files', 'urlPath', 'path', 'root', 'index', 'extensions', 'notFound', 'fallthrough', 'before', 'after'],
};

const unsupported: readonly string[] = ['fastifyRoutes', 'graphql', 'scheduler'];

/** Older names of parts. */
const aliases: Readonly<Record<string, string>> = { REST: 'rest' };

const fileNames = ['config.yaml', 'config.yml'];

export function hasConfigFile(folder: string): boolean {
  return fileNames.some((name) => existsSync(join(folder, name)));
}

export function readAppConfig(folder: string): AppConfig {
  const file = fileNames.find((name) => existsSync(join(folder, name)));
  return parseAppConfig(
    file === undefined ? defaults : readYaml(join(folder, file), file),
    file ?? 'the default configuration',
  );
}

function readYaml(path: string, file: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new ZerohopError('INVALID_CONFIG', `${file}:${line}:${col}: ${error.message}`);
  }
  return document.toJS() ?? {};
}

/** @param file for messages */
export function parseAppConfig(written: unknown, file: string): AppConfig {
  if (!isOptions(written)) {
    const found = Array.isArray(written) ? 'a list' : JSON.stringify(written);
    throw new ZerohopError(
      'INVALID_CONFIG',
      `${file} must name the parts of the app, each with its options, such as "rest: true". It is ${found}.`,
    );
  }
  const value = Object.fromEntries(Object.entries(written).map(([name, options]) => [aliases[name] ?? name, options]));
  for (const [name, options] of Object.entries(value)) checkPart(name, options, file);
  const part = (name: string): Options | undefined => {
    const options = value[name];
    if (options === undefined || options === false || options === null) return undefined;
    return isOptions(options) ? options : {};
  };
  return {
    env: part('env'),
    loadEnv: part('loadEnv'),
    graphqlSchema: part('graphqlSchema'),
    roles: part('roles'),
    dataLoader: part('dataLoader'),
    jsResource: part('jsResource'),
    static: part('static'),
    pages: value.pages || undefined,
    rest: part('rest'),
    unsupported: Object.keys(value)
      .filter((name) => unsupported.includes(name) || isPlugin(value[name]))
      .flatMap((name) => {
        const options = part(name);
        return options ? [{ name, options }] : [];
      }),
  };
}

function checkPart(name: string, options: unknown, file: string): void {
  if (name === 'env' || name === 'pages' || unsupported.includes(name) || isPlugin(options)) return;
  const known = optionNames[name];
  if (known === undefined) {
    const all = [...Object.keys(optionNames), 'env', 'pages'];
    if (namedKeys.some(({ path }) => path.split('.')[0] === name)) {
      throw new ZerohopError(
        'INVALID_CONFIG',
        `${file}: "${name}" is a setting of the node, not of the app. Say it in zerohop.yaml, or as an option of the command.`,
      );
    }
    throw new ZerohopError(
      'INVALID_CONFIG',
      `${file}: there is no "${name}".${didYouMean(name, all)} There are: ${all.join(', ')}.`,
    );
  }
  if (options === false || options === null || options === true) return;
  if (!isOptions(options)) {
    throw new ZerohopError('INVALID_CONFIG', `${file}: "${name}" is true, false or has options: ${known.join(', ')}.`);
  }
  const wrong = Object.keys(options).find((option) => !known.includes(option) && !saysNothing(option, options[option]));
  if (wrong !== undefined) {
    throw new ZerohopError(
      'INVALID_CONFIG',
      `${file}: "${name}" has no option "${wrong}".${didYouMean(wrong, known)} It has: ${known.join(', ')}.`,
    );
  }
}

/** Older apps say where a part begins; that it begins at the beginning goes without saying. */
function saysNothing(option: string, value: unknown): boolean {
  return (option === 'path' || option === 'root') && (value === '/' || value === '.' || value === './');
}

function didYouMean(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : ` Did you mean "${near}"?`;
}

function isPlugin(options: unknown): boolean {
  return isOptions(options) && 'package' in options;
}

export function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An option that must be true or false. */
export function booleanOption(options: Options, name: string, otherwise: boolean, part: string): boolean {
  const value = options[name] ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw new ZerohopError(
    'INVALID_CONFIG',
    `config.yaml: ${part}.${name} is true or false, not ${JSON.stringify(value)}.`,
  );
}

/** An option that must be text. */
export function textOption(options: Options, name: string, part: string): string | undefined {
  const value = options[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new ZerohopError('INVALID_CONFIG', `config.yaml: ${part}.${name} is text, not ${JSON.stringify(value)}.`);
}
