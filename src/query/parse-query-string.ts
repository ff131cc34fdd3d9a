// The query string of a URL → a Query. Conditions joined by `&` or `|`, grouped with ( ) or [ ], and functions such as
// `limit(10)`. Names and values are percent-decoded after the text is taken apart, so an encoded character is never an
// operator; only brackets that open or close a group, and those of functions, may be percent-encoded.

import { type Json, ZerohopError } from '../base/index.ts';
import type { TableDefinition } from '../schema/index.ts';
import { checkQuery } from './check-query.ts';
import { comparedScalar, isTextComparator, valueFromText } from './convert.ts';
import { decodePercent } from './decode-percent.ts';
import { parseFunction } from './parse-function.ts';
import { resolvePath, type TableLookup } from './resolve-path.ts';
import type { AttributePath, Comparator, Condition, ConditionGroup, Query } from './types.ts';

/** @param text what follows the `?`, still percent-encoded */
export function parseQueryString(text: string, definition: TableDefinition, lookup: TableLookup): Query {
  const parser: Parser = { text, at: 0, definition, lookup, functions: {} };
  const conditions = parseGroup(parser, '', 0);
  const query: Query = { ...(conditions && { conditions }), ...parser.functions };
  checkQuery(query, definition, lookup);
  return query;
}

interface Parser {
  readonly text: string;
  at: number;
  readonly definition: TableDefinition;
  readonly lookup: TableLookup;
  functions: Query;
}

type Node = Condition | ConditionGroup;

const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '%5B': '%5D' };

/** Entries up to `closer` (which it consumes), or to the end for ''. Null when there is no condition. */
function parseGroup(parser: Parser, closer: string, depth: number): ConditionGroup | null {
  const nodes: Node[] = [];
  let operator: '&' | '|' | '' = '';
  let separator: '&' | '|' | '' = '';
  for (;;) {
    const entry = parseEntry(parser, closer, depth, separator, nodes[nodes.length - 1]);
    if (entry) {
      if (nodes.length > 0) {
        if (operator !== '' && separator !== operator) {
          throw invalid(
            '"&" and "|" are mixed in one group. Put the part that belongs together in brackets: a=1&[b=2|c=3].',
          );
        }
        operator = separator;
      }
      nodes.push(entry);
    } else if (separator === '|' || parser.text[parser.at] === '|') {
      throw invalid('"|" stands between two conditions; one is missing.');
    }
    const next = parser.text[parser.at];
    if (next === '&' || next === '|') {
      separator = next;
      parser.at++;
      continue;
    }
    if (closer !== '') {
      if (startsAt(parser, closer)) parser.at += closer.length;
      else throw invalid(`A group is opened and not closed: "${closer === '%5D' ? ']' : closer}" is missing.`);
      if (nodes.length === 0) throw invalid('A group is empty.');
    }
    return nodes.length === 0 ? null : { operator: operator === '|' ? 'or' : 'and', conditions: nodes };
  }
}

/** One group, function or condition; null for nothing or a function. Stops at the separator or closer after it. */
function parseEntry(parser: Parser, closer: string, depth: number, separator: string, before?: Node): Node | null {
  const opener = ['(', '[', '%5B'].find((candidate) => startsAt(parser, candidate));
  if (opener !== undefined) {
    parser.at += opener.length;
    const group = parseGroup(parser, closers[opener] ?? ')', depth + 1);
    const next = parser.text[parser.at];
    if (next !== undefined && next !== '&' && next !== '|' && !(closer !== '' && startsAt(parser, closer))) {
      throw invalid(`After a group stands "&", "|" or nothing, not "${parser.text.slice(parser.at, parser.at + 20)}".`);
    }
    return group;
  }
  const raw = takeEntry(parser, closer);
  if (raw === '') return null;
  const call = /^([A-Za-z_$][\w$]*)(?:\((.*)\)|%28(.*)%29)$/i.exec(raw);
  if (!call) return parseCondition(parser, raw, separator === '&' ? before : undefined);
  if (depth > 0) throw invalid(`"${raw}" stands inside a group; functions stand on their own between "&".`);
  if (separator === '|' || parser.text[parser.at] === '|') {
    throw invalid(`"${raw}" is a function and is joined with "&", not "|".`);
  }
  parser.functions = parseFunction(parser.functions, call[1] ?? '', call[2] ?? call[3] ?? '');
  return null;
}

/** Text up to the next separator, or to the closer of the group it is in. Pairs of brackets inside belong to it. */
function takeEntry(parser: Parser, closer: string): string {
  const { text } = parser;
  const start = parser.at;
  const open: string[] = [];
  for (; parser.at < text.length; parser.at++) {
    const char = text[parser.at] ?? '';
    if (char === '&' || char === '|') break;
    if (char === '(' || char === '[') open.push(closers[char] ?? '');
    else if (char === ')' || char === ']') {
      if (open[open.length - 1] === char) open.pop();
      else if (open.length === 0 && char === closer) break;
      else throw unbalanced(char);
    } else if (closer === '%5D' && char === '%' && closesEncodedGroup(parser)) break;
  }
  const missing = open.pop();
  if (missing !== undefined) throw unbalanced(missing === ')' ? '(' : '[');
  return text.slice(start, parser.at);
}

/** Whether here is an encoded bracket with nothing of a value after it. */
function closesEncodedGroup(parser: Parser): boolean {
  return /^(?:%5D)+(?:[&|)\]]|$)/i.test(parser.text.slice(parser.at));
}

function startsAt(parser: Parser, part: string): boolean {
  return parser.text.slice(parser.at, parser.at + part.length).toUpperCase() === part;
}

interface Operator {
  readonly comparator: Comparator;
  readonly auto: boolean;
}

const namedOperators: Readonly<Record<string, Comparator>> = {
  eq: 'equals',
  ne: 'not_equal',
  lt: 'less_than',
  le: 'less_than_equal',
  gt: 'greater_than',
  ge: 'greater_than_equal',
  ct: 'contains',
  sw: 'starts_with',
  ew: 'ends_with',
  in: 'in',
  ft: 'ft',
};

function parseCondition(parser: Parser, raw: string, before: Node | undefined): Condition {
  const match = /^([^=!]*)(===|!==|==|!=|=([A-Za-z_]+)=|=)(.*)$/s.exec(raw);
  if (!match) throw invalid(`"${raw}" is neither a condition (name=value) nor a function (limit(10)).`);
  const [, rawName = '', symbol = '', named, rawValue = ''] = match;
  const chained = chainedRange(parser, rawName, symbol, before);
  const path = chained ? chained.attribute : rawName.split('.').map((part) => decodePercent(part));
  const operator = chained ?? operatorOf(symbol, named, raw);
  if (rawValue.includes('=')) throw invalid(`The value in "${raw}" contains "="; write it as %3D.`);
  if (symbol === '==' && rawValue.endsWith('*')) {
    return condition(parser, path, { comparator: 'starts_with', auto: true }, rawValue.slice(0, -1));
  }
  return condition(parser, path, operator, rawValue);
}

function operatorOf(symbol: string, named: string | undefined, raw: string): Operator {
  if (named !== undefined) {
    const comparator = Object.hasOwn(namedOperators, named) ? namedOperators[named] : undefined;
    if (!comparator) {
      throw invalid(
        `"${named}" in "${raw}" is no operator. There are ${Object.keys(namedOperators).join(', ')}; a "=" in a value is written %3D.`,
      );
    }
    return { comparator, auto: true };
  }
  return { comparator: symbol.startsWith('!') ? 'not_equal' : 'equals', auto: symbol === '==' || symbol === '!=' };
}

const opposites: Readonly<Record<string, readonly Comparator[]>> = {
  lt: ['greater_than', 'greater_than_equal'],
  le: ['greater_than', 'greater_than_equal'],
  gt: ['less_than', 'less_than_equal'],
  ge: ['less_than', 'less_than_equal'],
};

/** The second half of `price=gt=100&lt=200`: an operator's name where an attribute's would stand. */
function chainedRange(
  parser: Parser,
  name: string,
  symbol: string,
  before: Node | undefined,
): (Operator & { attribute: AttributePath }) | undefined {
  const wanted = Object.hasOwn(opposites, name) ? opposites[name] : undefined;
  if (!wanted || symbol !== '=' || !before || !('comparator' in before)) return undefined;
  if (parser.definition.attributes.some((attribute) => attribute.name === name)) return undefined;
  const comparator = namedOperators[name];
  if (!comparator || !wanted.includes(before.comparator)) return undefined;
  return { attribute: before.attribute, comparator, auto: true };
}

function condition(parser: Parser, attribute: AttributePath, operator: Operator, raw: string): Condition {
  const { leaf } = resolvePath(attribute, parser.definition, parser.lookup);
  const { comparator } = operator;
  const name = attribute.join('.');
  if (isTextComparator(comparator)) return { attribute, comparator, value: decodePercent(raw.replace(/^string:/, '')) };
  const scalar = comparedScalar(leaf.type) ?? 'Any';
  // The key of any type holds numbers the runtime assigned: `id=1` finds what `/Table/1` finds.
  const auto = operator.auto || (leaf.attribute !== null && leaf.table.primaryKey === leaf.attribute.name);
  const convert = (part: string) => valueFromText(part, decodePercent(part), scalar, auto, name);
  if (comparator !== 'in') return { attribute, comparator, value: convert(raw) };
  const value: Json[] = raw.split(',').map((part) => {
    const converted = convert(part);
    return typeof converted === 'bigint' ? String(converted) : converted;
  });
  return { attribute, comparator, value };
}

function unbalanced(bracket: string): ZerohopError {
  const code = { '(': '%28', ')': '%29', '[': '%5B', ']': '%5D' }[bracket];
  return invalid(`"${bracket}" has no partner. In a value write it as ${code}.`);
}

function invalid(message: string): ZerohopError {
  return new ZerohopError('INVALID_QUERY', message);
}
