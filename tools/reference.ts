// Keeps the tables of the reference pages equal to the tables in the code: `node bin/run-bun.js tools/reference.ts` writes them,
// with --check it only compares. In a page a table stands between `<!-- NAME -->` and `<!-- /NAME -->`.

import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorTable } from '../src/base/index.ts';
import { namedKeys } from '../src/config/index.ts';

const root = resolve(import.meta.dirname, '..');

if (import.meta.main) {
  const isCheck = process.argv.includes('--check');
  const pages = ['docs/reference/configuration.md'];
  let stale = 0;
  for (const page of pages) {
    const text = await readFile(join(root, page), 'utf8');
    const wanted = withTables(text, { keys: keysTable() });
    if (wanted === text) continue;
    stale += 1;
    if (isCheck) console.error(`${page} is not up to date. To write it: node bin/run-bun.js tools/reference.ts`);
    else await writeFile(join(root, page), wanted);
  }
  const differences = errorDifferences(await readFile(join(root, 'docs/ERRORS.md'), 'utf8'));
  for (const difference of differences) console.error(`docs/ERRORS.md: ${difference}`);
  process.exit((isCheck && stale > 0) || differences.length > 0 ? 1 : 0);
}

/** The page with its marked tables replaced. Throws when a page lacks a mark. */
export function withTables(page: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(open), text.indexOf(close)];
    if (from < 0 || to < from) throw new Error(`The page has no ${open} … ${close}.`);
    return `${text.slice(0, from + open.length)}\n\n${table}\n\n${text.slice(to)}`;
  }, page);
}

function keysTable(): string {
  const rows = namedKeys.map(({ path, variable, flag, key }) => {
    const fallback =
      (Array.isArray(key.default) && key.default.length === 0) || key.default === ''
        ? 'none'
        : `\`${String(key.default)}\``;
    return `| \`${path}\` | \`${variable}\` | \`${flag}\` | ${fallback} | ${escaped(key.description)}: ${escaped(key.kind.allowed)} |`;
  });
  return ['| key | variable | flag | default | what it is: what is allowed |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}

/** Where the page of errors and the table of codes differ: the codes, and the status of each. */
export function errorDifferences(page: string): string[] {
  const described = new Map(
    [...page.matchAll(/^\| `([A-Z_]+)` \| (\d{3})(?: ↻)? \|/gm)].map(([, code, status]) => [code, Number(status)]),
  );
  const codes = Object.entries(errorTable);
  return [
    ...codes.flatMap(([code, { status }]) => {
      if (!described.has(code)) return [`${code} is missing`];
      return described.get(code) === status ? [] : [`${code} has the status ${status}`];
    }),
    ...[...described.keys()].flatMap((code) =>
      codes.some(([known]) => known === code) ? [] : [`there is no error ${code}`],
    ),
  ];
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
