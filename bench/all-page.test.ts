import { expect, test } from 'bun:test';
import { pageOf } from './all-page.ts';
import { row } from './figures.ts';
import type { Machine } from './machine.ts';
import { parseReport, type Report, reportText } from './report.ts';

const machine: Machine = {
  ...{ cpu: 'Abacus <9>', cores: 2, memoryGiB: 4, virtual: false, os: 'Debian', bun: '1.4.5' },
  ...{ disk: 'ext4', fdatasyncMs: 0.1, loadBefore: 0 },
};

function report(rows: Report['rows']): Report {
  return { machine, commit: 'abc', date: '2026-01-02T03:04:05Z', rows };
}

const missed = row({
  name: 'a <b> & "c"',
  unit: 'ms',
  runs: [12],
  targets: [{ of: 'value', bound: 'atMost', limit: 10 }],
});
const product = (users: number, rate: number) =>
  row({
    name: `saturated, PDP, ${users} users, against microservices`,
    unit: 'requests/s',
    runs: [rate],
    rival: { name: 'microservices', runs: [1_000] },
    targets: [{ of: 'ratio', bound: 'atLeast', limit: 15 }],
  });

test('headlines of the least that was measured, misses by name, and nothing unescaped', () => {
  const page = pageOf([
    {
      name: 'shop',
      report: report([product(20, 50_000), product(200, 30_900), missed]),
      drawings: [{ name: 'd', svg: '<svg id="drawn"/>' }],
    },
  ]);
  expect(page).toContain('<strong>30 ×</strong>');
  expect(page).not.toContain('<strong>50 ×</strong>');
  expect(page).toContain('2 of 3 targets met.');
  expect(page).toContain('Missed: a &lt;b> &amp; &quot;c&quot;.');
  expect(page).toContain('<svg id="drawn"/>');
  expect(page).not.toContain('<9>');
});

test('no results make a page too', () => {
  expect(pageOf([])).toContain('npm run bench -- all');
});

test.each<[string, string, boolean]>([
  ['a report', reportText(report([missed])), true],
  ['another JSON file', '{"cells":[]}', false],
  ['what is no JSON', 'oh', false],
])('%s is read as what it is', (_name, text, isReport) => {
  expect(parseReport(text) !== undefined).toBe(isReport);
});
