import { expect, test } from 'bun:test';
import { importsOf, wrongImports } from './layers.ts';

test.each([
  ["import { a } from './a.ts';", ['./a.ts']],
  ["import type { A } from './a.ts';", ['./a.ts']],
  ["import { type A } from './a.ts';", ['./a.ts']],
  ["import {\n  type A,\n  type B,\n} from './a.ts';", ['./a.ts']],
  ["export type { A } from './a.ts';", ['./a.ts']],
  ["export type * from './a.ts';", ['./a.ts']],
  ["export * from './a.ts';", ['./a.ts']],
  ["import './a.ts';", ['./a.ts']],
  ["const a = await import('./a.ts');", ['./a.ts']],
  ["type A = import('./a.ts').A;", ['./a.ts']],
  ["// import type { A } from './a.ts';", []],
  ["export const from = 'x';\nconst b = './a.ts';", []],
])('imports of %j', (text, imports) => {
  expect(importsOf(text)).toEqual(imports);
});

test.each<[string, Record<string, string>, string[]]>([
  ['down', { 'store/a.ts': "import type { B } from '../base/index.ts';" }, []],
  [
    'up',
    { 'base/a.ts': "import type { B } from '../store/index.ts';" },
    ['src/base/a.ts: base may not import from store'],
  ],
  [
    'across',
    { 'feed/a.ts': "import { b } from '../query/index.ts';" },
    ['src/feed/a.ts: feed may not import from query'],
  ],
  [
    'past the door',
    { 'store/a.ts': "import { b } from '../base/b.ts';", 'store/a.test.ts': "import { b } from '../base/b.ts';" },
    ['src/store/a.ts: enter base through its index.ts, not ../base/b.ts'],
  ],
  ['an unknown folder', { 'misc/a.ts': '' }, ['src/misc/a.ts: the folder misc is not on the map in tools/layers.ts']],
  [
    'SQLite elsewhere',
    {
      'storage/a.ts': "import { Database } from 'bun:sqlite';",
      'store/a.ts': "import { Database } from 'bun:sqlite';",
    },
    ['src/store/a.ts: only storage imports bun:sqlite'],
  ],
  ['its own package', { 'cli/a.ts': "import p from '../../package.json';" }, []],
  [
    'out of the house',
    { 'cli/a.ts': "import p from '../../tools/x.ts';" },
    ['src/cli/a.ts: cli may not import from ..'],
  ],
  [
    'a ring, of types too',
    {
      'base/a.ts': "import { b } from './b.ts';",
      'base/b.ts': "import type { C } from './c.ts';",
      'base/c.ts': "import { a } from './a.ts';",
    },
    ['src/base/a.ts: imports itself in a ring: base/a.ts → base/b.ts → base/c.ts → base/a.ts'],
  ],
])('%s', (_, files, wrong) => {
  expect(wrongImports(new Map(Object.entries(files)))).toEqual(wrong);
});
