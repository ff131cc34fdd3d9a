// `zerohop create NAME`: the files of src/cli/template become a new application.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { generateTypes, parseSdlFiles } from '../schema/index.ts';
import { Refusal } from './failure.ts';
import { version } from './version.ts';

const template = join(import.meta.dirname, 'template');
const packageRoot = resolve(import.meta.dirname, '../..');

/** Files of the template end in this where, under their own name, a tool would take them for its own. */
const suffix = '.template';

/** Makes the folder `name`, taken from `from`; returns what to tell the person. Throws a Refusal, then nothing was made. */
export function createApp(name: string, from: string): string {
  const folder = resolve(from, name);
  checkName(basename(folder));
  checkFree(folder, name);
  const values = { name: basename(folder), zerohop: dependencyFor(folder) };
  for (const file of filesUnder(template)) {
    const target = join(folder, targetName(file));
    mkdirSync(dirname(target), { recursive: true });
    const text = readFileSync(join(template, file), 'utf8');
    writeFileSync(target, file.endsWith(suffix) ? fill(text, values) : text);
  }
  // As `zerohop types` would.
  const schema = parseSdlFiles([
    { name: 'schema.graphql', text: readFileSync(join(folder, 'schema.graphql'), 'utf8') },
  ]);
  writeFileSync(join(folder, 'zerohop-env.d.ts'), generateTypes(schema));
  return `Made ${relative(from, folder) || folder}. Next:

  cd ${relative(from, folder) || '.'}
  npm install
  npm run dev
`;
}

/** A name that is a package's and a folder's everywhere. */
function checkName(name: string): void {
  if (/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name) && name !== 'node_modules') return;
  throw new Refusal(
    `${JSON.stringify(name)} can not be the name of an application: use lower-case letters, digits, "-", "_" and ".", at most 100, beginning with a letter or digit.`,
  );
}

function checkFree(folder: string, name: string): void {
  const entry = statSync(folder, { throwIfNoEntry: false });
  if (entry === undefined) return;
  if (!entry.isDirectory()) throw new Refusal(`${name} is a file. Choose another name.`);
  if (readdirSync(folder).length > 0) throw new Refusal(`The folder ${name} is not empty. Choose another name.`);
}

/** A clone is referred to by its path; an installed package by its version. */
function dependencyFor(folder: string): string {
  return existsSync(join(packageRoot, '.git')) ? `file:${relative(folder, packageRoot)}` : `^${version}`;
}

function filesUnder(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function targetName(file: string): string {
  const name = file.endsWith(suffix) ? file.slice(0, -suffix.length) : file;
  return name === 'gitignore' ? '.gitignore' : name;
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, key: string) => values[key] ?? '');
}
