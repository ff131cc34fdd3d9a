// Flags, environment, file and defaults → one frozen value. Whatever is wrong is one INVALID_CONFIG error of one line: where it
// was said, which key, and what is allowed.

import { dirname, resolve } from 'node:path';
import { nearest, ZerohopError } from '../base/index.ts';
import { type Config, type NamedKey, namedKeys } from './keys.ts';
import { readSettingsFile, type Setting } from './settings-file.ts';

export interface ConfigSources {
  /** Texts by key path: `{ 'http.port': '8080' }`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working folder: where `zerohop.yaml` is looked for, and where relative paths start. */
  readonly folder: string;
  /** A configuration file that must exist, in place of `zerohop.yaml`. */
  readonly file?: string;
  /** Values that take the place of the table's defaults, by key path. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

const paths: ReadonlySet<string> = new Set([
  'data',
  'replication.certificate',
  'replication.key',
  'replication.authority',
  'tls.certificate',
  'tls.key',
  'tls.authority',
]);
const fileVariable = 'ZEROHOP_CONFIG';
/** Read by commands that call a node, which may be run in the same environment. */
const commandVariables = ['ZEROHOP_USERNAME', 'ZEROHOP_PASSWORD'];

/** Precedence: flags, `ZEROHOP_*` variables, the file, defaults. Throws INVALID_CONFIG. */
export function loadConfig({ flags, env, folder, file, defaults = {} }: ConfigSources): Config {
  checkNames(flags, env);
  const namedFile = file ?? env[fileVariable];
  const fileSettings = readSettingsFile(resolve(folder, namedFile ?? 'zerohop.yaml'), namedFile !== undefined);
  const read = (named: NamedKey): unknown => {
    const flag = own(flags, named.path);
    if (flag !== undefined) return readText(named, `${named.flag}=${shown(flag)}`, flag, folder);
    const variable = env[named.variable];
    if (variable !== undefined) return readText(named, `${named.variable}=${shown(variable)}`, variable, folder);
    const setting = fileSettings.get(named.path);
    if (setting !== undefined) return readSetting(named, setting);
    return inFolder(named, own(defaults, named.path) ?? named.key.default, folder);
  };
  return assemble(namedKeys.map((named) => [named.path, read(named)] as const));
}

/** Refuses flags and `ZEROHOP_*` variables that name no key: a mistyped one would otherwise be without effect, silently. */
function checkNames(flags: ConfigSources['flags'], env: ConfigSources['env']): void {
  for (const path of Object.keys(flags)) {
    if (!namedKeys.some((named) => named.path === path)) throw invalid(`There is no configuration key ${shown(path)}.`);
  }
  const variables = [...namedKeys.map((named) => named.variable), fileVariable, ...commandVariables];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('ZEROHOP_') || env[name] === undefined || variables.includes(name)) continue;
    const meant = nearest(name, variables);
    throw invalid(
      `Unknown environment variable ${shown(name)}. ${meant ? `Did you mean ${meant}?` : `Known are ${variables.join(', ')}.`}`,
    );
  }
}

function readText(named: NamedKey, source: string, text: string, folder: string): unknown {
  const value = named.key.kind.fromText(text);
  if (value === undefined) throw invalid(`${source}: ${named.path} must be ${named.key.kind.allowed}.`);
  return inFolder(named, value, folder);
}

function readSetting(named: NamedKey, setting: Setting): unknown {
  const value = named.key.kind.fromValue(setting.value);
  if (value === undefined) {
    throw invalid(`${setting.place}: ${named.path} must be ${named.key.kind.allowed}, not ${shown(setting.text)}.`);
  }
  return inFolder(named, value, dirname(setting.file));
}

/** Paths said on the command line or in the environment start at the working folder, those in a file at the file's. */
function inFolder(named: NamedKey, value: unknown, folder: string): unknown {
  return paths.has(named.path) && typeof value === 'string' && value !== '' ? resolve(folder, value) : value;
}

function assemble(values: readonly (readonly [path: string, value: unknown])[]): Config {
  const root: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const parts = path.split('.');
    const last = parts.pop() ?? '';
    let group: Record<string, unknown> = root;
    for (const part of parts) group = group[part] = { ...(group[part] as Record<string, unknown> | undefined) };
    group[last] = value;
  }
  // Each value was read by the kind that the type `Config` takes its type from.
  return freeze(root) as Config;
}

function freeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) freeze(child);
    Object.freeze(value);
  }
  return value;
}

const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** On one line, printable, and not too long. */
function shown(text: string | undefined): string {
  const printable = String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '?');
  return printable.length > 80 ? `${printable.slice(0, 80)}…` : printable;
}

function invalid(message: string): ZerohopError {
  return new ZerohopError('INVALID_CONFIG', message);
}
