// The command line on operations: on the node of a data folder, and on another by its address.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerText } from '../../src/cli/answer-text.ts';
import { operate } from '../security/callers.ts';
import { launcher, startNode, type TestNode } from '../support/start-node.ts';

let node: TestNode;
let home: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'zerohop-home-'));
  node = await startNode({ app: 'operations', threads: 1, settings: { AUTHORIZE_LOCAL: 'false' } });
}, 20_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

async function zerohop(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: process.env.PATH ?? '', HOME: home };
  const child = Bun.spawn(['node', launcher, ...words], { env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}

test('op, search and describe on the data folder', async () => {
  const local = ['--data', node.folder];
  const records = JSON.stringify([{ id: '1', name: 'Harper', age: 5 }]);
  const inserted = await zerohop('op', 'insert', 'table=Dog', `records=${records}`, ...local);
  expect(inserted).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(inserted.out)).toMatchObject({ inserted_hashes: ['1'] });
  expect(JSON.parse((await zerohop('search', 'Dog', 'name=Harper', '--select', 'age', ...local)).out)).toEqual([
    { age: 5 },
  ]);
  expect(JSON.parse((await zerohop('describe', 'data.Dog', ...local)).out)).toMatchObject({ record_count: 1 });
  const wrong = await zerohop('op', 'inzert', ...local);
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain('Did you mean insert?');
});

test('login keeps tokens for its owner alone, which are renewed and ended', async () => {
  await operate(node, { operation: 'add_user', username: 'ann', password: 'a long secret', role: 'super_user' });
  const url = node.operationsUrl;
  expect((await zerohop('describe', '--target', url)).code).toBe(1);
  expect(await zerohop('login', url, '--username', 'ann', '--password', 'a long secret')).toMatchObject({ code: 0 });
  const file = join(home, '.zerohop', 'credentials.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse((await zerohop('op', 'user_info', '--target', url)).out)).toMatchObject({ username: 'ann' });
  const saved: Record<string, Record<string, string>> = await Bun.file(file).json();
  const [[key, login] = ['', {}]] = Object.entries(saved);
  writeFileSync(file, JSON.stringify({ [key]: { ...login, operationToken: 'has ended' } }));
  expect(JSON.parse((await zerohop('op', 'user_info', '--target', url)).out)).toMatchObject({ username: 'ann' });
  expect(await zerohop('logout', url)).toMatchObject({ code: 0 });
  expect((await zerohop('op', 'user_info', '--target', url)).code).toBe(1);
  const revoked = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${login.refreshToken}` },
    body: '{"operation":"refresh_operation_token"}',
  });
  expect(revoked.status).toBe(401);
}, 20_000);

test('bash completes commands, their subcommands and options', async () => {
  const script = join(home, 'completion.bash');
  writeFileSync(script, (await zerohop('completion', 'bash')).out);
  const complete = (...words: string[]) => {
    const line = `source ${script}; COMP_WORDS=(zerohop ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _zerohop; echo "\${COMPREPLY[@]}"`;
    return Bun.spawnSync(['bash', '-c', line]).stdout.toString().trim();
  };
  expect(complete('clus')).toBe('cluster');
  expect(complete('pages', 'read')).toBe('readiness');
  expect(complete('search', '--sel')).toBe('--select');
});

test('answers for people', () => {
  for (const [answer, text] of [
    [[{ id: 1, name: 'a' }, { id: 20 }], 'id  name\n1   a\n20'],
    [{ message: 'done', count: 2 }, 'done\ncount  2'],
    [[], '(none)'],
    [[{ text: 'a\u001b[2Jb\n' }], 'text\na [2Jb'],
  ] as const)
    expect(answerText(answer)).toBe(text);
});
