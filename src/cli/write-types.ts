// `zerohop types`: the schema files of an application → the declarations that make `tables` typed in its code.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { schemaFilesOf } from '../components/index.ts';
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
    message: `Wrote ${shownTarget}: ${schema.tables.length} ${schema.tables.length === 1 ? 'table' : 'tables'} from ${files.join(', ')}.`,
  };
}

function schemaFiles(root: string, app: string): string[] {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Refusal(`The application folder ${app} does not exist.`);
  }
  const files = schemaFilesOf(root);
  if (files.length > 0) return files;
  throw new Refusal(
    `${app} has no schema file. Its config.yaml says which there are: graphqlSchema: { files: '*.graphql' }`,
  );
}
