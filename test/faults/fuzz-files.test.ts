// Schemas, configurations and code that are wrong: `zerohop start` says where, in words, and shows no stack trace.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { apps, startOrEnd } from '../support/start-node.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-files-'));
  cpSync(join(apps, 'faults'), join(folder, 'app'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** All a node prints while it starts, and until it ends or is ready. */
async function printedBy(files: Readonly<Record<string, string | Uint8Array>>, settings = {}): Promise<string> {
  const app = join(folder, 'app');
  for (const [name, content] of Object.entries(files)) writeFileSync(join(app, name), content);
  const { text, code } = await startOrEnd({ app, data: join(folder, 'data'), threads: 1, settings });
  expect([0, 1, 2]).toContain(code);
  expect(text).not.toMatch(/this is a bug|panic|Segmentation|^\s+at .*\/src\//m);
  return text;
}

test.each<[string, string, RegExp]>([
  ['no end', 'type Item @table {', /schema\.graphql:\d+/],
  ['an unknown type', 'type Item @table { id: ID @primaryKey name: Strin }', /schema\.graphql:1:\d+.*Strin/],
  ['an unknown directive', 'type Item @tabel { id: ID @primaryKey }', /schema\.graphql:1:\d+.*tabel/],
  ['two primary keys', 'type Item @table { id: ID @primaryKey other: ID @primaryKey }', /schema\.graphql:1/],
  [
    'a table twice',
    'type Item @table { id: ID @primaryKey }\ntype Item @table { id: ID @primaryKey }',
    /schema\.graphql:2/,
  ],
  [
    'a relationship to nowhere',
    'type Item @table { id: ID @primaryKey to: [Nowhere] @relationship(to: item) }',
    /schema\.graphql:1:\d+/,
  ],
  [
    'an expression that is none',
    'type Item @table { id: ID @primaryKey sum: Int @computed(from: "1 +") }',
    /schema\.graphql:1:\d+/,
  ],
  ['a duration that is none', 'type Item @table(expiration: "soon") { id: ID @primaryKey }', /schema\.graphql:1:\d+/],
  [
    'a database outside the folder',
    'type Item @table(database: "../../etc") { id: ID @primaryKey }',
    /schema\.graphql:1|database/,
  ],
  ['zeros', '\0\0\0\0', /schema\.graphql:1/],
  ['fifty tables of one name', `${'type A @table { id: ID @primaryKey }\n'.repeat(50)}type`, /schema\.graphql:\d+/],
  [
    '5,000 brackets',
    `type A @table { id: ID @primaryKey x: ${'['.repeat(5000)}Int${']'.repeat(5000)} }`,
    /schema\.graphql:1/,
  ],
])('a wrong schema is reported with its place: %s', async (_, schema, place) => {
  expect(await printedBy({ 'schema.graphql': schema })).toMatch(place);
});

test.each<[string, string, RegExp]>([
  ['a list without end', 'rest: true\ngraphqlSchema:\n  files: [', /config\.yaml:\d+/],
  ['a wrong indent', 'rest: true\n  jsResource: x', /config\.yaml:1:7/],
  ['a list', '- a\n- b\n', /config\.yaml/],
  ['a ring', 'a: &a [*a, *a]\n', /config\.yaml/],
  ['an unknown component', 'rest: true\nfrob:\n  files: "*"\n', /config\.yaml.*frob/s],
  ['a wrong value', 'graphqlSchema:\n  files: 7\n', /config\.yaml/],
  ['a quote', '"', /config\.yaml:1/],
  ['control characters', '\x01\x02', /config\.yaml/],
])('a wrong config.yaml is reported with its place: %s', async (_, config, place) => {
  expect(await printedBy({ 'config.yaml': config })).toMatch(place);
});

test.each<[string, string, RegExp]>([
  ['a syntax error', 'export class {', /resources\.ts:1/],
  ['a missing file', "import './gone.ts';", /gone\.ts.* from resources\.ts/],
  ['a missing package', "import 'no-such-package';", /no-such-package.* from resources\.ts/],
  ['an error at load', 'const a: number = 1;\nnull.x;\n', /resources\.ts:2/],
  ['a thrown text', 'throw "a text";', /resources\.ts.*a text/s],
  [
    'a rejection at load',
    'await new Promise((_, reject) => reject(new Error("rejected at load")));',
    /resources\.ts:1.*rejected at load|rejected at load.*resources\.ts:1/s,
  ],
])('code that can not be loaded is reported with its file: %s', async (_, code, place) => {
  expect(await printedBy({ 'resources.ts': code })).toMatch(place);
});

test('random faults in schema and configuration', async () => {
  const files = ['schema.graphql', 'config.yaml'].map(
    (name) => [name, readFileSync(join(apps, 'faults', name))] as const,
  );
  const change = fc.tuple(
    fc.nat(),
    fc.constantFrom('set', 'drop', 'cut', 'double'),
    fc.constantFrom(...'{}[]()@:!,"\'#\n\t \0é-&*|>%0a'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async ([name, original], changes) => {
        let text = original.toString();
        for (const [place, what, by] of changes) {
          const at = place % Math.max(1, text.length);
          const rest = what === 'cut' ? '' : text.slice(what === 'double' ? at : at + 1);
          text = text.slice(0, at) + (what === 'drop' || what === 'cut' ? '' : by) + rest;
        }
        await printedBy({ ...Object.fromEntries(files), [name]: text });
      },
    ),
    { numRuns: 20, endOnFailure: true },
  );
}, 60_000);
