// Rows of a table as values in place of JSON text, for encodings that have dates, bytes and big integers.

import { parseExact } from '../../base/index.ts';
import type { Selection } from '../../query/index.ts';
import type { SearchRow, Table } from '../../tables/index.ts';

/** Reads a row's JSON text by the table's types. What comes from related records keeps its JSON form. */
export function rowDecoder(table: Table, select: Selection | undefined): (row: SearchRow) => unknown {
  const decode = ({ id, version }: SearchRow, body: string) => table.decode({ id, version, expires: null, body });
  if (select === undefined || select.shape === 'objects') return (row) => decode(row, row.json);
  const names = select.attributes.map(({ name }) => name);
  if (select.shape === 'values') {
    const [name = ''] = names;
    const start = `{${JSON.stringify(name)}:`;
    return (row) => decode(row, `${start}${row.json}}`)[name];
  }
  return (row) => {
    const values = parseExact(row.json);
    if (!Array.isArray(values)) return values;
    const record = decode(
      row,
      `{${names.map((name, index) => `${JSON.stringify(name)}:${textOf(values[index])}`).join(',')}}`,
    );
    return names.map((name) => record[name]);
  };
}

function textOf(value: unknown): string {
  return typeof value === 'bigint' ? value.toString() : (JSON.stringify(value) ?? 'null');
}

/** Column names for CSV: those selected, or the declared attributes and whatever else the first rows have. */
export function columnsOf(table: Table, select: Selection | undefined): readonly string[] | undefined {
  if (select === undefined) {
    return table.definition.attributes
      .filter(({ type, hidden, computed }) => type.kind !== 'relation' && !hidden && computed === undefined)
      .map(({ name }) => name);
  }
  if (select.shape === 'arrays') return undefined;
  return select.shape === 'values' ? ['value'] : select.attributes.map(({ name }) => name);
}
