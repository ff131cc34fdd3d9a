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

test.each<[string, RegExp]>([
  ['type Item @table {', /schema\.graphql:\d+/],
  ['type Item @table { id: ID @primaryKey name: Strin }', /schema\.graphql:1:\d+.*Strin/],
  ['type Item @tabel { id: ID @primaryKey }', /schema\.graphql:1:\d+.*tabel/],
  ['type Item @table { id: ID @primaryKey other: ID @primaryKey }', /schema\.graphql:1/],
  ['type Item @table { id: ID @primaryKey }\ntype Item @table { id: ID @primaryKey }', /schema\.graphql:2/],
  ['type Item @table { id: ID @primaryKey to: [Nowhere] @relationship(to: item) }', /schema\.graphql:1:\d+/],
  ['type Item @table { id: ID @primaryKey sum: Int @computed(from: "1 +") }', /schema\.graphql:1:\d+/],
  ['type Item @table(expiration: "soon") { id: ID @primaryKey }', /schema\.graphql:1:\d+/],
  ['type Item @table(database: "../../etc") { id: ID @primaryKey }', /schema\.graphql:1|database/],
  ['\0\0\0\0', /schema\.graphql:1/],
  [`${'type A @table { id: ID @primaryKey }\n'.repeat(50)}type`, /schema\.graphql:\d+/],
  [`type A @table { id: ID @primaryKey x: ${'['.repeat(5000)}Int${']'.repeat(5000)} }`, /schema\.graphql:1/],
])('a wrong schema is reported with its place: %.60s', async (schema, place) => {
  expect(await printedBy({ 'schema.graphql': schema })).toMatch(place);
});

test.each<[string, RegExp]>([
  ['rest: true\ngraphqlSchema:\n  files: [', /config\.yaml:\d+/],
  ['rest: true\n  jsResource: x', /config\.yaml:2/],
  ['- a\n- b\n', /config\.yaml/],
  ['a: &a [*a, *a]\n', /config\.yaml/],
  ['rest: true\nfrob:\n  files: "*"\n', /config\.yaml.*frob/s],
  ['graphqlSchema:\n  files: 7\n', /config\.yaml/],
  ['"', /config\.yaml:1/],
  ['\x01\x02', /config\.yaml/],
])('a wrong config.yaml is reported with its place: %.60s', async (config, place) => {
  expect(await printedBy({ 'config.yaml': config })).toMatch(place);
});

test.each<[string, RegExp]>([
  ['export class {', /resources\.ts:1/],
  ["import { x } from './gone.ts';", /resources\.ts.*gone\.ts/s],
  ["import 'no-such-package';", /resources\.ts.*no-such-package/s],
  ['const a: number = 1;\nnull.x;\n', /resources\.ts:2/],
  ['throw "a text";', /resources\.ts.*a text/s],
  [
    'await new Promise((_, reject) => reject(new Error("rejected at load")));',
    /resources\.ts:1.*rejected at load|rejected at load.*resources\.ts:1/s,
  ],
])('code that can not be loaded is reported with its file: %.60s', async (code, place) => {
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
