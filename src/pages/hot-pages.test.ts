// Who stays in memory, and that its bytes are counted and bounded.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { HotPages, HotRow, type RowHolder } from './hot-pages.ts';

const maxBytes = 10_000;

function rowOf(number: number, bytes = 100): HotRow {
  const list = { vary: [], variants: [] };
  const untilMs = Number.POSITIVE_INFINITY;
  return new HotRow({ key: `p${number}`, number, list, version: 1, tag: 1, hot: undefined, untilMs, bytes, usedMs: 0 });
}

function filled(from: number, to: number): HotPages {
  const pages = new HotPages(maxBytes);
  for (let number = from; number < to; number++) pages.add(rowOf(number));
  return pages;
}

function use(pages: HotPages, ...numbers: readonly number[]): void {
  for (const number of numbers) {
    const row = pages.get(`p${number}`);
    if (row) row.isUsed = true;
  }
}

/** As a thread does that looks for a page. */
function ask(pages: HotPages, number: number): void {
  const row = pages.get(`p${number}`);
  if (row) row.isUsed = true;
  else if (pages.welcomes(`p${number}`)) pages.add(rowOf(number));
}

describe('where thousands of others are asked for once', () => {
  const cases: readonly (readonly [what: string, prepare: (pages: HotPages) => void, isThere: boolean])[] = [
    ['a page that was asked for once is not there', (pages) => ask(pages, 0), false],
    [
      'a page that was asked for twice is there',
      (pages) => {
        ask(pages, 0);
        ask(pages, 0);
      },
      true,
    ],
    [
      'a page that changed goes, until it is asked for',
      (pages) => {
        ask(pages, 0);
        ask(pages, 0);
        pages.forget(0);
      },
      false,
    ],
  ];
  test.each(cases)('%s', (_what, prepare, isThere) => {
    const pages = new HotPages(maxBytes);
    prepare(pages);
    for (let number = 1_000; number < 5_000; number++) ask(pages, number);
    expect(pages.get('p0') !== undefined).toBe(isThere);
  });
});

test('a page that was in use and changed comes in again when it is asked for', () => {
  const pages = filled(0, 2);
  use(pages, 0);
  for (const number of [0, 1]) pages.forget(number);
  for (const number of [0, 1]) ask(pages, number);
  expect([0, 1].map((number) => pages.get(`p${number}`) !== undefined)).toEqual([true, false]);
});

test('a page that was asked for and is no more makes room for others that are', () => {
  const pages = filled(0, 90);
  use(pages, ...Array.from({ length: 90 }, (_, at) => at));
  for (let round = 1; round < 20; round++) {
    for (let number = round * 1_000; number < round * 1_000 + 90; number++) {
      pages.add(rowOf(number));
      use(pages, number);
    }
  }
  expect(pages.get('p0')).toBeUndefined();
  expect(pages.get('p19089')).toBeDefined();
});

test('whatever comes, grows, is used and changes: bytes are those of what is there, and within the bound; nobody holds what is gone', () => {
  const step = fc.record({
    number: fc.nat(60),
    what: fc.constantFrom('add', 'use', 'hold', 'grow', 'forget', 'clear'),
    bytes: fc.integer({ min: 1, max: 4_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const pages = new HotPages(maxBytes);
      const holders = Array.from({ length: 10 }, (): RowHolder => ({ row: undefined }));
      for (const { number, what, bytes } of steps) {
        const row = pages.get(`p${number}`);
        if (what === 'add' && !row) pages.add(rowOf(number, bytes));
        if (what === 'use') use(pages, number);
        const holder = holders[bytes % holders.length];
        if (what === 'hold' && row && holder) row.handTo(holder);
        if (what === 'grow' && row) pages.grow(row, bytes);
        if (what === 'forget') {
          pages.forget(number);
          expect(pages.get(`p${number}`)).toBeUndefined();
        }
        if (what === 'clear' && bytes < 40) pages.clear();
        const there = Array.from({ length: 61 }, (_, at) => pages.get(`p${at}`)).filter((one) => one !== undefined);
        expect(there.length).toBe(pages.size);
        for (const { row } of holders) if (row) expect(pages.get(row.key)).toBe(row);
        expect(there.reduce((sum, one) => sum + one.bytes, 0)).toBe(pages.bytes);
        expect(pages.bytes).toBeLessThanOrEqual(maxBytes);
      }
    }),
  );
});
