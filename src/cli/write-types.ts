// `zerohop types`: the schema files of an application → the declarations that make `tables` typed in its code.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { generateTypes, parseSdlFiles } from '../schema/index.ts';
import { Refusal } from './failure.ts';

export interface TypesOptions {
  /** Folder of the application; like `out`, it starts at `folder`. */
  readonly app: string;
  readonly folder: string;
  /** Default: zerohop-env.d.ts in the application. */
  readonly out?: string;
  /** Write nothing, only compare. */
  readonly check: boolean;
}

/** Throws a Refusal or INVALID_SCHEMA; then nothing was written. */
export async function writeTypes({
  app,
  folder,
  out,
  check,
}: TypesOptions): Promise<{ upToDate: boolean; message: string }> {
  const root = resolve(folder, app);
  const files = schemaFiles(root, app);
  const schema = parseSdlFiles(files.map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') })));
  const text = generateTypes(schema);
  const target = out === undefined ? join(root, 'zerohop-env.d.ts') : resolve(folder, out);
  const shownTarget = relative(folder, target);
  const upToDate = existsSync(target) && readFileSync(target, 'utf8') === text;
  if (upToDate) return { upToDate, message: `${shownTarget} is up to date.` };
  if (check) {
    return { upToDate, message: `${shownTarget} is not up to date. To write it: zerohop types ${app}` };
  }
  writeFileSync(target, text);
  return {
    upToDate: true,
    message: `Wrote ${shownTarget}: ${schema.tables.length} tables from ${files.join(', ')}.`,
  };
}

/** Paths within the application, in the order of their names, of what its config.yaml calls its schema. */
function schemaFiles(root: string, app: string): string[] {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Refusal(`The application folder ${app} does not exist.`);
  }
  const { source, ignore } = schemaPatterns(root);
  const found = source.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })]);
  const files = [...new Set(found)].filter((file) => !ignore.some((pattern) => new Bun.Glob(pattern).match(file)));
  if (files.length === 0) throw new Refusal(`${app} has no schema file that matches ${source.join(', ')}.`);
  return files.sort();
}

interface Patterns {
  readonly source: readonly string[];
  readonly ignore: readonly string[];
}

/** `graphqlSchema.files` is a pattern, a list of patterns, or `{ source, ignore }` of those. */
function schemaPatterns(root: string): Patterns {
  const standard: Patterns = { source: ['*.graphql'], ignore: [] };
  const file = join(root, 'config.yaml');
  if (!existsSync(file)) return standard;
  const files = member(member(readYaml(file), 'graphqlSchema'), 'files');
  if (files === undefined) return standard;
  const source = strings(member(files, 'source') ?? files);
  if (source.length === 0) throw new Refusal(`${file}: graphqlSchema.files must be a pattern or a list of patterns.`);
  return { source, ignore: strings(member(files, 'ignore')) };
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'), { prettyErrors: false });
  } catch (error) {
    throw new Refusal(`${file} is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;

const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
