import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderWatcher, isIgnored } from './folder-watcher.ts';

let root: string;
let watcher: FolderWatcher;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'zerohop-watch-')));
  for (const folder of ['src/deep', 'node_modules/x', 'data/blobs', '.git'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'a.ts'), '');
  watcher = new FolderWatcher(root, [join(root, 'data')]);
});
afterEach(() => {
  watcher.close();
  rmSync(root, { recursive: true });
});

const write = (path: string) => writeFileSync(join(root, path), String(Math.random()));

/** All paths told until one of them is `last`. */
async function changesUntil(last: string): Promise<string[]> {
  const seen = new Set<string>();
  for await (const paths of watcher.changes()) {
    for (const path of paths) seen.add(path.slice(root.length + 1));
    if (seen.has(last)) break;
  }
  return [...seen].sort();
}

test('a changed file is told, also in a folder further down', async () => {
  write('a.ts');
  expect(await changesUntil('a.ts')).toEqual(['a.ts']);
  watcher.close();
  watcher = new FolderWatcher(root);
  write('src/deep/b.ts');
  expect(await changesUntil('src/deep/b.ts')).toEqual(['src/deep/b.ts']);
});

test('several changes in a row are told together', async () => {
  write('a.ts');
  write('b.ts');
  write('src/c.ts');
  for await (const paths of watcher.changes()) {
    expect(paths).toEqual(['a.ts', 'b.ts', 'src/c.ts'].map((path) => join(root, path)));
    break;
  }
});

test('packages, hidden files, the data folder and databases are passed over, .env is not', async () => {
  for (const path of [
    'node_modules/x/i.js',
    '.git/HEAD',
    '.hidden',
    'data/x',
    'data/blobs/y',
    'y.db',
    'y.db-wal',
    'z~',
    '.z.swp',
  ])
    write(path);
  write('.env');
  expect(await changesUntil('.env')).toEqual(['.env']);
  write('data/first.json');
  expect(await changesUntil('data/first.json')).toEqual(['data/first.json']);
});

test('a new folder is watched, and one that is moved away and back', async () => {
  mkdirSync(join(root, 'new'));
  await changesUntil('new');
  write('new/x.ts');
  await changesUntil('new/x.ts');
  renameSync(join(root, 'new'), join(root, '.away'));
  await changesUntil('new');
  renameSync(join(root, '.away'), join(root, 'new'));
  await changesUntil('new');
  write('new/y.ts');
  expect(await changesUntil('new/y.ts')).toContain('new/y.ts');
});

test('closing ends the changes', async () => {
  const all = (async () => {
    for await (const _ of watcher.changes());
    return 'ended';
  })();
  watcher.close();
  expect(await all).toBe('ended');
});

test.each([
  ['/app/.env.local', false],
  ['/app/resources.ts', false],
  ['/app/.DS_Store', true],
  ['/app/node_modules', true],
  ['/app/data.db-shm', true],
])('%p ignored: %p', (path, ignored) => {
  expect(isIgnored(path)).toBe(ignored);
});

test('what the process writes to its output is no change, though the output is a file of the folder', async () => {
  const script = `
    const { FolderWatcher } = await import(${JSON.stringify(join(import.meta.dirname, 'folder-watcher.ts'))});
    const watcher = new FolderWatcher(process.cwd());
    console.log('a line');
    await Bun.write('end.ts', '');
    for await (const paths of watcher.changes()) {
      console.error(paths.map((path) => path.split('/').at(-1)).join());
      if (paths.some((path) => path.endsWith('end.ts'))) break;
    }
    process.exit(0);`;
  const child = Bun.spawn([process.execPath, '-e', script], {
    cwd: root,
    stdout: Bun.file(join(root, 'output')),
    stderr: 'pipe',
  });
  expect([await child.stderr.text(), await child.exited]).toEqual(['end.ts\n', 0]);
});
