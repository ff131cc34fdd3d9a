// The functions of a query string: select, limit, sort, cursor, total, explain.

import { ZerohopError } from '../base/index.ts';
import { decodePercent } from './decode-percent.ts';
import type { Query, SelectedAttribute, Selection, SortKey } from './types.ts';

/** `query` with what `name(text)` says added. `text` is still percent-encoded. */
export function parseFunction(query: Query, name: string, text: string): Query {
  switch (name) {
    case 'select':
      refuseSecond(query.select, name);
      return { ...query, select: parseSelect(text) };
    case 'limit':
      refuseSecond(query.limit, name);
      return { ...query, ...parseLimit(text) };
    case 'sort':
      refuseSecond(query.sort, name);
      return { ...query, sort: parseSort(text) };
    case 'cursor':
      refuseSecond(query.cursor, name);
      return { ...query, cursor: decodePercent(text) };
    case 'total':
      refuseSecond(query.total, name);
      refuseArgument(name, text);
      return { ...query, total: true };
    case 'explain':
      refuseSecond(query.explain, name);
      refuseArgument(name, text);
      return { ...query, explain: true };
    default:
      throw invalid(`There is no function "${name}". There are select, limit, sort, cursor, total and explain.`);
  }
}

function parseLimit(text: string): Query {
  const numbers = text.split(',').map((part) => (/^[0-9]{1,15}$/.test(part) ? Number(part) : Number.NaN));
  const [first = Number.NaN, second] = numbers;
  if (numbers.length > 2 || numbers.some(Number.isNaN)) {
    throw invalid(`limit(${text}) needs one or two whole numbers: limit(count) or limit(start,end).`);
  }
  if (second === undefined) return { limit: first };
  if (second < first) throw invalid(`limit(${text}) ends before it starts: limit(start,end).`);
  return { offset: first, limit: second - first };
}

function parseSort(text: string): SortKey[] {
  return text.split(',').map((part) => {
    const match = /^(\+|-|%2B)?(.+)$/i.exec(part);
    if (!match?.[2]) throw invalid(`sort(${text}) needs attribute names: sort(+name,-price).`);
    const attribute = match[2].split('.').map((name) => decodePercent(name));
    return { attribute, descending: match[1] === '-' };
  });
}

/** `p` bare values · `p,` or `p,q` objects · `[p,q]` arrays · `p{q,r}` (or `p(q,r)`) nested. */
function parseSelect(encoded: string): Selection {
  const text = encoded.replace(/%7[BD]|%5[BD]/gi, (code) => decodeURIComponent(code));
  const isArrays = text.startsWith('[') && text.endsWith(']');
  const parser = { text: isArrays ? text.slice(1, -1) : text, at: 0 };
  const { attributes, trailingComma } = parseNames(parser, text);
  if (parser.at < parser.text.length)
    throw invalid(`select(${text}) has "${parser.text[parser.at]}" without its partner.`);
  if (isArrays) return { shape: 'arrays', attributes };
  return { shape: attributes.length === 1 && !trailingComma ? 'values' : 'objects', attributes };
}

const nestedClosers: Readonly<Record<string, string>> = { '{': '}', '(': ')' };

function parseNames(parser: { readonly text: string; at: number }, whole: string) {
  const attributes: SelectedAttribute[] = [];
  let trailingComma = false;
  for (;;) {
    const raw = /^[^,{}()[\]]*/.exec(parser.text.slice(parser.at))?.[0] ?? '';
    parser.at += raw.length;
    if (raw === '') {
      trailingComma = attributes.length > 0;
      if (!trailingComma || parser.text[parser.at] === ',') throw invalid(`select(${whole}) lacks a name.`);
      return { attributes, trailingComma };
    }
    const name = decodePercent(raw);
    const closer = nestedClosers[parser.text[parser.at] ?? ''];
    if (closer === undefined) attributes.push({ name });
    else {
      parser.at++;
      const nested = parseNames(parser, whole);
      if (parser.text[parser.at] !== closer) throw invalid(`select(${whole}) lacks "${closer}".`);
      parser.at++;
      attributes.push({ name, selection: { shape: 'objects', attributes: nested.attributes } });
    }
    if (parser.text[parser.at] !== ',') return { attributes, trailingComma };
    parser.at++;
  }
}

function refuseSecond(present: unknown, name: string): void {
  if (present !== undefined) throw invalid(`"${name}" stands twice in the query.`);
}

function refuseArgument(name: string, text: string): void {
  if (text !== '') throw invalid(`${name}() takes no argument, so "${text}" is too much.`);
}

function invalid(message: string): ZerohopError {
  return new ZerohopError('INVALID_QUERY', message);
}
