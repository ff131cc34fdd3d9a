// CSV (RFC 4180) both ways. The first line names the columns; nested values are JSON text in their cell.

import { lazily, ZerohopError } from '../../base/index.ts';
import { toJson } from './formats.ts';
import type { TextFraming } from './framing.ts';

const reader = lazily((): typeof import('csv-parse/sync') => require('csv-parse/sync'));
const writer = lazily((): typeof import('csv-stringify/sync') => require('csv-stringify/sync'));

/** Objects of text by column name; empty cells are left out. Throws with the line. */
export function parseCsv(text: string): Record<string, string>[] {
  return reader()
    .parse(text, {
      bom: true,
      columns: true,
      skip_empty_lines: true,
      cast: (cell) => (cell === '' ? undefined : cell),
    })
    .map((row) =>
      Object.fromEntries(Object.entries(row as Record<string, string>).filter(([, cell]) => cell !== undefined)),
    );
}

/**
 * Writes rows under `columns`; without them, under the names of the first row. A value that has no column is an error, never left out
 * silently: it says to name the columns with select().
 */
export function csvFraming(columns?: readonly string[]): TextFraming {
  let names = columns;
  let known = new Set(columns);
  return {
    binary: false,
    before: names ? line(names) : '',
    between: '',
    after: '',
    item(value) {
      const row = asRow(value);
      let header = '';
      if (!names) {
        names = Object.keys(row);
        known = new Set(names);
        header = line(names);
      }
      const stray = Object.keys(row).find((name) => !known.has(name));
      if (stray !== undefined) {
        throw new ZerohopError(
          'NOT_ACCEPTABLE',
          `Some records have ${stray}, which is no column of this CSV. Name the columns: select(a,b,${stray}).`,
          { attribute: stray },
        );
      }
      return header + line(names.map((name) => row[name]));
    },
  };
}

function asRow(value: unknown): Readonly<Record<string, unknown>> {
  if (Array.isArray(value)) return Object.fromEntries(value.map((item, index) => [String(index), item]));
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) return value as Record<string, unknown>;
  return { value };
}

function line(cells: readonly unknown[]): string {
  return writer().stringify([cells.map(cellText)]);
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  const text = toJson(value);
  // Base64 comes out of toJson in quotes.
  return ArrayBuffer.isView(value) ? text.slice(1, -1) : text;
}
