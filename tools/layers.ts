// The map of the house and the test that it holds: which folder of src/ may import from which. Imports go down only, and a
// folder is entered through its index.ts. Run by `npm run check`; prints each import that breaks the rule.

import { dirname, join, relative, resolve } from 'node:path';
import { Glob } from 'bun';

/** From the roof to the ground. Folders on one line do not import each other. */
const floors: readonly (readonly string[])[] = [
  ['cli'],
  ['testing'],
  ['runtime'],
  ['components'],
  [
    'protocols/rest',
    'protocols/operations',
    'protocols/sse',
    'protocols/websocket',
    'protocols/mqtt',
    'protocols/graphql',
    'protocols/mcp',
  ],
  ['protocols/http'],
  ['pages'],
  ['cluster'],
  ['cache'],
  ['resources'],
  ['net', 'replication'],
  ['security', 'telemetry'],
  ['tables'],
  ['feed', 'query'],
  ['store'],
  ['records'],
  ['storage'],
  ['schema'],
  ['config'],
  ['base'],
];

const src = resolve(import.meta.dirname, '../src');
const floorOf = new Map(floors.flatMap((names, floor) => names.map((name) => [name, floor] as const)));

function folderOf(file: string): string {
  const path = relative(src, file);
  const parts = path.split('/');
  if (parts.length === 1) return 'testing';
  return parts[0] === 'protocols' ? `protocols/${parts[1]}` : (parts[0] ?? '');
}

const wrong: string[] = [];
for (const path of new Glob('**/*.ts').scanSync(src)) {
  const file = join(src, path);
  const from = folderOf(file);
  const floor = floorOf.get(from);
  if (floor === undefined) {
    wrong.push(`src/${path}: the folder ${from} is not on the map in tools/layers.ts`);
    continue;
  }
  const isTest = path.endsWith('.test.ts');
  for (const { path: specifier } of new Bun.Transpiler({ loader: 'ts' }).scanImports(await Bun.file(file).text())) {
    if (!specifier.startsWith('.')) {
      if (specifier === 'bun:sqlite' && from !== 'storage' && !isTest)
        wrong.push(`src/${path}: only storage imports bun:sqlite`);
      continue;
    }
    const target = resolve(dirname(file), specifier);
    const to = folderOf(target);
    if (to === from) continue;
    const below = floorOf.get(to);
    if (below === undefined || below <= floor) wrong.push(`src/${path}: ${from} may not import from ${to}`);
    else if (!target.endsWith('/index.ts') && !isTest)
      wrong.push(`src/${path}: enter ${to} through its index.ts, not ${specifier}`);
  }
}
for (const line of wrong) console.error(line);
console.log(wrong.length === 0 ? 'layers: imports go down only' : `layers: ${wrong.length} wrong imports`);
process.exit(wrong.length === 0 ? 0 : 1);
