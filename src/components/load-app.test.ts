import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { dispatch, openTestNode, RequestContext, type TestNodeParts, targetOf } from '../resources/index.ts';
import { administrator } from '../security/index.ts';
import { type LoadedApp, loadApp } from './load-app.ts';

let folder: string;
let node: TestNodeParts;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-app-'));
  node = await openTestNode();
});
afterEach(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    await Bun.write(join(folder, name), text);
  }
}

async function load(files: Readonly<Record<string, string>>, on: TestNodeParts = node): Promise<LoadedApp> {
  await write(files);
  return loadApp({ folder, node: on, primary: true });
}

/** What GET answers, as app code returned it. */
async function get(url: string, on: TestNodeParts = node): Promise<unknown> {
  const { pathname, search } = new URL(url, 'http://localhost');
  const match = on.registry.match(pathname);
  if (match === undefined) return undefined;
  const context = new RequestContext(on, { user: administrator });
  const answer = await dispatch({ verb: 'get', match, target: targetOf(match, search, on), context });
  context.release();
  return answer.kind === 'value'
    ? answer.value
    : answer.kind === 'record'
      ? JSON.parse(answer.record.body)
      : answer.kind;
}

const schema =
  'type Product @table @export { id: ID @primaryKey  name: String }\ntype Hidden @table { id: ID @primaryKey }';

describe('an app', () => {
  test('without config.yaml has its schema, resources, data and pages found', async () => {
    const app = await load({
      'schema.graphql': schema,
      'data/products.json': JSON.stringify({ table: 'Product', records: [{ id: 'p-1', name: 'Boot' }] }),
      'resources.ts': `
        import { Resource, tables } from 'zerohop';
        export class Hello extends Resource {
          static async get(target: { id?: string }) { return { product: (await tables.Product.get('p-1')).name, id: target.id }; }
        }`,
      'web/index.html': '<p>Hi',
    });
    expect(app.problems).toEqual([]);
    expect(app.steps.map(({ name }) => name)).toEqual(['static']);
    expect(app.rest).toEqual({ lastModified: true });
    expect(await get('/Hello/7')).toEqual({ product: 'Boot', id: '7' });
    expect(await get('/Product/p-1')).toEqual({ id: 'p-1', name: 'Boot' });
    expect(await get('/Hidden/')).toBeUndefined();
  });

  test('names the runtime as it likes, from modules in folders of its own', async () => {
    await load({
      'resources.ts': `
        import { Resource } from 'harperdb';
        import * as harper from 'harper';
        import { answer } from './lib/answer.ts';
        export class Same extends Resource { static get() { return [harper.Resource === Resource, answer()]; } }`,
      'lib/answer.ts': `
        import { RequestTarget, getContext } from 'zerohop';
        export const answer = () => [typeof RequestTarget, getContext().user?.username, typeof globalThis.createBlob];`,
    });
    expect(await get('/Same/')).toEqual([true, ['function', 'administrator', 'function']]);
  });

  test('publishes exports under their names and paths', async () => {
    await load({
      'resources.js': `
        import { Resource } from 'zerohop';
        const say = (word) => class extends Resource { static get(target) { return [word, target.id, { ...target.params }]; } };
        const Inner = say('inner'), Named = say('named');
        export const Bar = { Inner };
        export const kebab = { 'foo-baz': say('kebab') };
        export { Named as '/widget/:id' };
        export class Own extends say('own') { static path = '/deep/:one/*rest'; }
        export class Heir extends Own {}
        export default say('root');
        export const notAResource = 5;
        export function helper() {}`,
    });
    const cases: readonly (readonly [string, unknown])[] = [
      ['/Bar/Inner/1', ['inner', '1', {}]],
      ['/kebab/foo-baz/', ['kebab', undefined, {}]],
      ['/widget/9', ['named', '9', { id: '9' }]],
      ['/deep/a/b/c', ['own', undefined, { one: 'a', rest: 'b/c' }]],
      ['/Heir/4', ['own', '4', {}]],
      ['/', ['root', undefined, {}]],
      ['/anything', undefined],
    ];
    for (const [url, expected] of cases) expect(await get(url)).toEqual(expected);
  });

  test('may call super of a table it extends, in every style', async () => {
    const app = await load({
      'schema.graphql': 'type Product @table { id: ID @primaryKey  name: String  seen: Int }',
      'resources.js': `
        import { tables } from 'zerohop';
        export class Product extends tables.Product {
          static async get(target) { const record = await super.get(target); return { ...record, by: 'static' }; }
        }
        export class Newer extends tables.Product {
          static loadAsInstance = false;
          async get(target) { return { ...(await super.get(target)), by: 'newer' }; }
        }
        export class Older extends tables.Product {
          get(query) { return { ...super.get(query), id: this.getId(), by: this.name }; }
        }
        export class Missing extends tables.Product { get(query) { return super.get(query); } }`,
    });
    expect(app.problems).toEqual([]);
    const table = node.databases.table('data', 'Product');
    const transaction = node.databases.transaction();
    if (table) transaction.put(table, 'p-1', { name: 'Boot' });
    await transaction.commit();
    expect(await get('/Product/p-1')).toEqual({ id: 'p-1', name: 'Boot', by: 'static' });
    expect(await get('/Newer/p-1')).toEqual({ id: 'p-1', name: 'Boot', by: 'newer' });
    expect(await get('/Older/p-1')).toEqual({ id: 'p-1', name: 'Boot', by: 'Boot' });
    expect(await get('/Missing/nothing')).toBe('missing');
  });

  test('reaches the node it was loaded for, when two nodes load it', async () => {
    const files = {
      'schema.graphql': schema,
      'resources.js': `
        import { server } from 'zerohop';
        import './lib.js';
        export { Names } from './lib.js';
        server.http((request, next) => next(request), { name: 'mine' });`,
      'lib.js': `
        import { Resource, tables } from 'zerohop';
        export class Names extends Resource { static async get() { return (await tables.Product.get('p')).name; } }`,
    };
    await load(files);
    const other = await openTestNode();
    try {
      await load(files, other);
      for (const [on, name] of [
        [node, 'ours'],
        [other, 'theirs'],
      ] as const) {
        const table = on.databases.table('data', 'Product');
        const transaction = on.databases.transaction();
        if (table) transaction.put(table, 'p', { name });
        await transaction.commit();
      }
      expect(await get('/Names/')).toBe('ours');
      expect(await get('/Names/', other)).toBe('theirs');
      expect(node.server.middleware.map(({ options }) => options.name)).toEqual(['mine']);
      expect(other.server.middleware.map(({ options }) => options.name)).toEqual(['mine']);
    } finally {
      await other.close();
    }
  });
});

describe('what is wrong with an app is told with its place, and the rest is served', () => {
  const ok =
    "import { Resource } from 'zerohop'; export class Fine extends Resource { static get() { return 'fine'; } }";
  const config = "rest: true\njsResource: { files: '*.js' }\ngraphqlSchema: { files: '*.graphql' }\n";
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    [
      'a throw while loading',
      { 'bad.js': "const a = 1;\nthrow new Error('no such port');" },
      /^bad\.js:2:\d+: no such port$/,
    ],
    ['a syntax error', { 'bad.js': 'const a = 1;\nconst = 2;' }, /^bad\.js:2:\d+: /],
    ['a missing module', { 'bad.js': "import './nowhere.js';" }, /nowhere\.js.*bad\.js/],
    [
      'a missing export',
      { 'bad.js': "import { nothing } from './good.js'; export { nothing };" },
      /^bad\.js: .*nothing/,
    ],
    ['a schema error', { 'bad.graphql': 'type A @table {\n  id: Nope\n}' }, /^bad\.graphql:2:/],
    [
      "a table among the node's own",
      { 'bad.graphql': 'type A @table(database: "system") { id: ID @primaryKey }' },
      /^bad\.graphql:1:8: The database "system" belongs to the runtime/,
    ],
    [
      'two classes for one path',
      { 'bad.js': "import { Resource } from 'zerohop'; export class Fine extends Resource {}" },
      /Fine is published by bad\.js and by good\.js/,
    ],
  ];
  for (const [name, files, expected] of cases) {
    test(name, async () => {
      const app = await load({ 'config.yaml': config, 'good.js': ok, ...files });
      expect(app.problems).toHaveLength(1);
      expect(app.problems[0]).toMatch(expected);
      if (!name.startsWith('two')) expect(await get('/Fine/')).toBe('fine');
    });
  }

  test('a call the runtime refuses', async () => {
    const app = await load({
      'config.yaml': "graphqlSchema: { files: '*.graphql' }\njsResource: { files: '*.js' }",
      'schema.graphql': 'type Note @table { id: ID @primaryKey }',
      'resources.js': "import { tables } from 'zerohop';\ntables.Note.sourcedFrom({});",
    });
    expect(app.problems).toEqual([
      expect.stringMatching(/^resources\.js:2:\d+: Note\.sourcedFrom\(\) is not supported/),
    ]);
  });

  test('in a folder with a space in its name', async () => {
    const spaced = join(folder, 'my app');
    mkdirSync(spaced);
    writeFileSync(join(spaced, 'resources.js'), "\nthrow new Error('no');");
    const app = await loadApp({ folder: spaced, node, primary: true });
    expect(app.problems).toEqual([expect.stringMatching(/^resources\.js:2:\d+: no$/)]);
  });

  test('a folder that is not there', async () => {
    const app = await loadApp({ folder: join(folder, 'nowhere'), node, primary: true });
    expect(app.problems[0]).toMatch(/There is no folder .*nowhere/);
  });
});

describe('config.yaml', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['a part that does not exist', 'jsResorce: { files: x }', /there is no "jsResorce"\. Did you mean "jsResource"\?/],
    ['an option that does not exist', 'static: { file: x }', /"static" has no option "file"\. Did you mean "files"\?/],
    ['a value of the wrong type', "static: { files: 'web/**', index: 3 }", /static\.index is true or false, not 3/],
    ['files outside of the folder', "jsResource: { files: '../*.js' }", /stays inside the app's folder/],
    ['no files', 'jsResource: {}', /jsResource\.files says which files/],
    ['text that is no YAML', 'rest: {', /^config\.yaml:\d+:\d+: /],
    ['a part that is there twice', 'rest: true\nrest: false', /^config\.yaml:2:1: Map keys must be unique$/],
    ['a list', '- rest', /must name the parts of the app.* It is a list\./],
    ['a setting of the node', 'http: { port: 80 }', /"http" is a setting of the node.*zerohop\.yaml/],
    ['a path of its own', "jsResource: { files: '*.js', path: /api }", /"jsResource" has no option "path"/],
    ['a root that its files are not below', "static: { root: web, files: 'dist/**' }", /static\.root is web/],
  ];
  for (const [name, text, expected] of cases) {
    test(`${name} is refused, naming it`, async () => {
      const app = await load({ 'config.yaml': text });
      expect(app.problems[0]).toMatch(expected);
    });
  }

  test('what is known but not supported is warned about, where there is something to load', async () => {
    await load({
      'config.yaml':
        "graphql: { files: 'roles.yaml' }\nfastifyRoutes: { files: 'routes/*.js' }\n'@x/y': { package: '@x/y' }",
      'roles.yaml': 'a: {}',
    });
    expect(node.lines).toEqual([
      expect.stringContaining('"graphql" is not supported'),
      expect.stringContaining('"@x/y" is not supported'),
    ]);
  });

  test('files that are not there are warned about, with the part they are of', async () => {
    const app = await load({
      'config.yaml': 'REST: true\ngraphqlSchema: { files: shema.graphql, path: / }\njsResource: false',
    });
    expect(app).toMatchObject({ problems: [], rest: {} });
    expect(node.lines).toEqual([expect.stringContaining('graphqlSchema.files: there is no file shema.graphql')]);
  });

  test('code for messages that will not come is warned about', async () => {
    await load({
      'resources.js': `
        import { Resource } from 'zerohop';
        export class Chat extends Resource { static loadAsInstance = false; async *connect() {} publish() {} get() {} }
        export class Source extends Resource { static get() {} static async *subscribe() {} }`,
    });
    expect(node.lines).toEqual([
      expect.stringMatching(/^warn: resources\.js: connect, publish of \/Chat will not be called: real-time messaging/),
    ]);
  });

  test('a folder without an app is warned about', async () => {
    await load({ 'README.md': '' });
    expect(node.lines).toEqual([expect.stringContaining('There is no application in')]);
    await load({ 'schema.graphql': 'type Note @table { id: ID @primaryKey }' });
    expect(node.lines).toHaveLength(1);
  });

  test('a part that is false is not loaded', async () => {
    const app = await load({ 'config.yaml': 'rest: false\njsResource: false', 'resources.js': 'throw 1;' });
    expect(app).toMatchObject({ problems: [], rest: undefined });
  });

  test('variables come from .env files and env, and never over those that are set', async () => {
    process.env.ZH_TEST_SET = 'before';
    try {
      const app = await load({
        'config.yaml':
          "loadEnv: { files: '.env' }\nenv:\n  ZH_TEST_LITERAL: 5\n  ZH_TEST_MISSING: { required: true, description: the key }",
        '.env': 'ZH_TEST_SET=after\nZH_TEST_NEW="a b"\n',
      });
      expect([process.env.ZH_TEST_SET, process.env.ZH_TEST_NEW, process.env.ZH_TEST_LITERAL]).toEqual([
        'before',
        'a b',
        '5',
      ]);
      expect(app.problems[0]).toMatch(/ZH_TEST_MISSING \(the key\) must be set/);
      await load({ 'config.yaml': "loadEnv: { files: '.env', override: true }" });
      expect(process.env.ZH_TEST_SET).toBe('after');
    } finally {
      for (const name of ['SET', 'NEW', 'LITERAL']) delete process.env[`ZH_TEST_${name}`];
    }
  });
});
