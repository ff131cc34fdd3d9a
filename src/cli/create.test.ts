import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createApp } from './create.ts';
import { writeTypes } from './write-types.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zerohop-create-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('every file of the template is made, under its own name', () => {
  const said = createApp('shop', root);
  expect(readdirSync(join(root, 'shop'), { recursive: true }).sort()).toEqual([
    '.gitignore',
    'README.md',
    'app.test.ts',
    'config.yaml',
    'package.json',
    'resources.ts',
    'roles.yaml',
    'schema.graphql',
    'tsconfig.json',
    'web',
    'web/index.html',
    'zerohop-env.d.ts',
  ]);
  expect(said).toStartWith('Made shop.');
  expect(said).toContain('cd shop');
});

test('the package bears the name and finds this runtime', () => {
  createApp('deep/shop', root);
  const folder = join(root, 'deep/shop');
  const pack = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  expect(pack.name).toBe('shop');
  const reference: string = pack.dependencies.zerohop;
  expect(reference).toStartWith('file:');
  expect(resolve(folder, reference.slice('file:'.length))).toBe(resolve(import.meta.dirname, '../..'));
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toStartWith('# shop\n');
});

test('what is made has no type errors, and its declarations are up to date', async () => {
  createApp('shop', root);
  const folder = join(root, 'shop');
  const repository = resolve(import.meta.dirname, '../..');
  // As `npm install` leaves it.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(repository, join(folder, 'node_modules/zerohop'));
  symlinkSync(join(repository, 'node_modules/bun-types'), join(folder, 'node_modules/bun-types'));
  const tsc = Bun.spawn(['node', join(repository, 'node_modules/typescript/bin/tsc'), '-p', folder]);
  expect({ said: await tsc.stdout.text(), code: await tsc.exited }).toEqual({ said: '', code: 0 });
  const types = await writeTypes({ app: '.', folder, check: true });
  expect(types.upToDate).toBe(true);
});

test('an empty folder is filled', () => {
  mkdirSync(join(root, 'shop'));
  createApp('shop', root);
  expect(existsSync(join(root, 'shop/config.yaml'))).toBe(true);
});

test.each([
  ['full', 'The folder full is not empty. Choose another name.'],
  ['file', 'file is a file. Choose another name.'],
  ['Shop', '"Shop" can not be the name of an application: use lower-case letters'],
  ['a b', '"a b" can not be the name of an application'],
  ['.x', '".x" can not be the name of an application'],
  ['node_modules', '"node_modules" can not be the name of an application'],
  ['x'.repeat(101), 'can not be the name of an application'],
])('%p is refused, and nothing is made', (name, message) => {
  mkdirSync(join(root, 'full'));
  writeFileSync(join(root, 'full/x'), '');
  writeFileSync(join(root, 'file'), '');
  expect(() => createApp(name, root)).toThrow(message);
  expect(readdirSync(root, { recursive: true }).sort()).toEqual(['file', 'full', 'full/x']);
});
