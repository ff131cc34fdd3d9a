// Processes that run statements: ended when nobody waits for the answer, when it takes too long, and with the node.

import { afterEach, expect, test } from 'bun:test';
import { limits } from '../base/index.ts';
import { SqlProcesses } from './index.ts';
import type { SqlAnswer, SqlJob } from './sql-job.ts';

const plan = {
  secret: 'z0_',
  files: [],
  views: [],
  named: [],
  valueBytes: 10_000_000,
  statementBytes: 100_000,
};
const job = (sql: string): SqlJob => ({
  plan,
  sql,
  parameters: [],
  rows: 10,
  limit: null,
  answerBytes: 1_000_000,
  shape: 'lists',
});
const endless = job('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n');
const short = job('SELECT 1');
const patient = new AbortController().signal;

let processes = new SqlProcesses({ timeoutMs: 600_000 });
afterEach(() => {
  processes.stop();
  processes = new SqlProcesses({ timeoutMs: 600_000 });
});

const codeOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    (answer) => answer,
    (error: { code?: unknown }) => error.code,
  );
const one: SqlAnswer = { kind: 'rows', json: '[[1]]', count: 1 };

test('a statement whose caller goes is ended; others go on', async () => {
  const callers = [new AbortController(), new AbortController()];
  const asked = callers.map(({ signal }) => codeOf(processes.run(endless, signal)));
  const waiting = processes.run(short, patient);
  callers[0]?.abort();
  expect(await asked[0]).toBe('SHUTTING_DOWN');
  expect(await waiting).toEqual(one);
  callers[1]?.abort();
  expect(await asked[1]).toBe('SHUTTING_DOWN');
  expect(await codeOf(processes.run(short, callers[0]?.signal ?? patient))).toBe('SHUTTING_DOWN');
  expect(await processes.run(short, patient)).toEqual(one);
}, 20_000);

test('a caller may go at any moment', async () => {
  for (let turns = 0; turns < 20; turns++) {
    const caller = new AbortController();
    const asked = codeOf(processes.run(endless, caller.signal));
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    caller.abort();
    expect(await asked).toBe('SHUTTING_DOWN');
    // From here on one is ready at once, and then one has to start again.
    if (turns % 2 === 0) expect(await processes.run(short, patient)).toEqual(one);
  }
}, 30_000);

test('as many wait as may, and all end with the node', async () => {
  const asked = Array.from({ length: limits.sqlProcesses + limits.sqlWaiting }, () =>
    codeOf(processes.run(endless, patient)),
  );
  expect(await codeOf(processes.run(short, patient))).toBe('OVERLOADED');
  processes.stop();
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['SHUTTING_DOWN']));
  expect(await codeOf(processes.run(short, patient))).toBe('SHUTTING_DOWN');
}, 20_000);

test('one that takes too long is ended, and makes room', async () => {
  const hasty = new SqlProcesses({ timeoutMs: 200 });
  const asked = Array.from({ length: 3 }, () => codeOf(hasty.run(endless, patient)));
  expect(await Promise.all(asked)).toEqual(['INVALID_QUERY', 'INVALID_QUERY', 'INVALID_QUERY']);
  hasty.stop();
}, 20_000);

test('one that needs too much memory is ended', async () => {
  const greedy = job(
    'WITH RECURSIVE n(i) AS (SELECT randomblob(1000000) UNION SELECT randomblob(1000000) FROM n) SELECT count(*) FROM n',
  );
  const said = await processes.run(greedy, patient).catch((error: Error) => error.message);
  expect(said).toContain('bytes of memory');
  expect(await processes.run(short, patient)).toEqual(one);
}, 20_000);

test('rows, bytes and a limit', async () => {
  const many = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n';
  expect(await processes.run(job(many), patient)).toEqual({ kind: 'tooMany', what: 'rows' });
  expect(await processes.run({ ...job(many), limit: 2 }, patient)).toEqual({ ...one, json: '[[1],[2]]', count: 2 });
  const wide = job("SELECT printf('%600000d', 1) UNION ALL SELECT printf('%600000d', 2)");
  expect(await processes.run(wide, patient)).toEqual({ kind: 'tooMany', what: 'bytes' });
}, 20_000);
