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

function filled(from: number, to: number, pages = new HotPages(maxBytes)): HotPages {
  for (let number = from; number < to; number++) if (!pages.get(`p${number}`)) pages.add(rowOf(number));
  return pages;
}

function use(pages: HotPages, ...numbers: readonly number[]): void {
  for (const number of numbers) {
    const row = pages.get(`p${number}`);
    if (row) row.isUsed = true;
  }
}

describe('where thousands of others are asked for once', () => {
  const cases: readonly (readonly [what: string, prepare: (pages: HotPages) => void, isThere: boolean])[] = [
    ['a page that was asked for once goes', () => {}, false],
    ['a page that was asked for again stays', (pages) => use(pages, 0), true],
    [
      'a page that came back soon after it had to go stays',
      (pages) => {
        filled(1, 200, pages);
        expect(pages.get('p0')).toBeUndefined();
        pages.add(rowOf(0));
      },
      true,
    ],
    ['a page that changed goes, until it is asked for', (pages) => pages.forget(0), false],
  ];
  test.each(cases)('%s', (_what, prepare, isThere) => {
    const pages = filled(0, 1);
    prepare(pages);
    // Those that stay have most of the memory to themselves.
    filled(1_000, 5_000, pages);
    expect(pages.get('p0') !== undefined).toBe(isThere);
  });
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
