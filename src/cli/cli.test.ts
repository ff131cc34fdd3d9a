// The command as a person runs it: a process of its own, started by Node.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { version } from './version.ts';

const launcher = resolve(import.meta.dirname, '../../bin/zerohop.js');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zerohop-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function zerohop(...words: string[]) {
  const child = Bun.spawn(['node', launcher, ...words], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...variables },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

let variables: Record<string, string> = {};
afterEach(() => {
  variables = {};
});

test.each([['version'], ['--version'], ['-v']])('zerohop %s prints the version', async (word) => {
  expect(await zerohop(word)).toEqual({ out: `${version}\n`, err: '', code: 0 });
});

test('--help of the command and of each of its commands', async () => {
  const top = await zerohop('--help');
  expect(top.code).toBe(0);
  for (const command of ['start', 'dev', 'create', 'types', 'test', 'version']) {
    expect(top.out).toContain(`\n  ${command}`);
    const { out, code } = await zerohop(command, '--help');
    expect(out).toStartWith(`Usage: zerohop ${command}`);
    expect(code).toBe(0);
  }
});

test('help prints the same', async () => {
  expect(await zerohop('help', 'create')).toEqual(await zerohop('create', '--help'));
});

test('no command prints the help and fails', async () => {
  const { err, code } = await zerohop();
  expect(err).toStartWith('Usage: zerohop');
  expect(code).toBe(2);
});

test.each<[string[], string]>([
  [['strat'], "zerohop: unknown command 'strat'\n(Did you mean start?)\nTo see what there is, add --help.\n"],
  [
    ['start', '--http-prt', '1'],
    "zerohop: unknown option '--http-prt'\n(Did you mean --http-port?)\nTo see what there is, add --help.\n",
  ],
  [['create'], "zerohop: missing required argument 'name'\nTo see what there is, add --help.\n"],
  [
    ['login', 'http://localhost:1', '--username', 'ann', '--password', ''],
    'zerohop: The password is empty. Give it with --password, or on standard input.\n',
  ],
  [
    ['start', '.', '--threads', 'many'],
    'zerohop: --threads=many: threads must be "auto" or a whole number from 0 to 64 (0: everything in one thread).\n',
  ],
  [
    ['status', '--target', 'localhost:9925'],
    'zerohop: --target localhost:9925 is no address. Give one such as http://localhost:9925\n',
  ],
  [['start', '--config', 'gone.yaml'], `/gone.yaml can not be read: it does not exist.\n`],
])('%p is bad usage', async (words, message) => {
  const { out, err, code } = await zerohop(...words);
  expect(err).toEndWith(message);
  expect({ out, code }).toEqual({ out: '', code: 2 });
});

test('bad configuration is one line that names the place', async () => {
  writeFileSync(join(folder, 'zerohop.yaml'), 'http:\n  prot: 1\n');
  expect(await zerohop('start')).toEqual({
    out: '',
    err: 'zerohop: zerohop.yaml:2: unknown key "http.prot". Did you mean "http.port"?\n',
    code: 2,
  });
  variables = { ZEROHOP_HTTP_PROT: '1' };
  expect((await zerohop('start')).err).toBe(
    'zerohop: Unknown environment variable ZEROHOP_HTTP_PROT. Did you mean ZEROHOP_HTTP_PORT?\n',
  );
});

test('a .env and a bunfig.toml in the working folder do not reach the command', async () => {
  writeFileSync(join(folder, '.env'), 'ZEROHOP_NONSENSE=1\n');
  writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./gone.ts"]\n');
  expect((await zerohop('start', 'nowhere')).err).toBe(
    'zerohop: The application folder nowhere does not exist. To make one: zerohop create nowhere\n',
  );
});

test('the application folder must be one', async () => {
  writeFileSync(join(folder, 'app'), '');
  expect(await zerohop('dev', 'app')).toEqual({
    out: '',
    err: 'zerohop: app is a file. Give the folder of an application.\n',
    code: 1,
  });
});

test('test runs the tests of a folder, and ends as they do', async () => {
  writeFileSync(join(folder, 'good.test.ts'), "import { test } from 'bun:test'; test('good', () => {});");
  expect((await zerohop('test', 'good', '--timeout=1000')).code).toBe(0);
  writeFileSync(join(folder, 'bad.test.ts'), "import { test } from 'bun:test'; test('bad', () => { throw 1; });");
  const { err, code } = await zerohop('test');
  expect(err).toContain('1 fail');
  expect(code).toBe(1);
});

test('create makes an application, and says so', async () => {
  const { out, code } = await zerohop('create', 'shop');
  expect(out).toStartWith('Made shop. Next:');
  expect(code).toBe(0);
  expect(await zerohop('create', 'shop')).toEqual({
    out: '',
    err: 'zerohop: The folder shop is not empty. Choose another name.\n',
    code: 1,
  });
});

test('types writes the declarations, knows when they are up to date, and refuses a bad schema', async () => {
  const app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'schema.graphql'), 'type Note @table { id: ID @primaryKey title: String! }');
  expect((await zerohop('types', 'app', '--check')).code).toBe(1);
  expect(await zerohop('types', 'app')).toEqual({
    out: 'Wrote app/zerohop-env.d.ts: 1 table from schema.graphql.\n',
    err: '',
    code: 0,
  });
  expect(await Bun.file(join(app, 'zerohop-env.d.ts')).text()).toContain('title: string');
  expect(await zerohop('types', 'app', '--check')).toEqual({
    out: 'app/zerohop-env.d.ts is up to date.\n',
    err: '',
    code: 0,
  });
  writeFileSync(join(app, 'config.yaml'), "graphqlSchema:\n  files: ['*.gql']\n");
  expect((await zerohop('types', 'app')).err).toBe(
    "zerohop: app has no schema file. Its config.yaml says which there are: graphqlSchema: { files: '*.graphql' }\n",
  );
  writeFileSync(join(app, 'bad.gql'), 'type Note @tabel { id: ID @primaryKey }');
  const { err, code } = await zerohop('types', 'app', '--out', 'x.d.ts');
  expect(err).toStartWith('zerohop: bad.gql:1:11: ');
  expect(code).toBe(1);
});
