// The words of a SQL statement as SQLite reads them (https://sqlite.org/lang_keywords.html, tokenize.c). Nothing that keeps data from
// anybody rests on this: see storage's SealedConnection.

import { ZerohopError } from '../base/index.ts';

export interface Token {
  /** `name`: as it is, perhaps a keyword. `quoted`: "…", `…` or […]. `text`: '…', which SQLite takes for a name in places. */
  readonly kind: 'name' | 'quoted' | 'text' | 'number' | 'blob' | 'variable' | 'mark';
  /** As written. */
  readonly raw: string;
  /** Of names and texts without their quotes, of names in capitals beside it in `word`. */
  readonly value: string;
  /** A bare word in capitals; '' for anything else. */
  readonly word: string;
  /** Whether space or a comment is before it. */
  readonly isApart: boolean;
}

const pattern =
  /(?<space>[\s\uFEFF]+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<blob>[xX]'[0-9a-fA-F]*')|(?<text>'(?:[^']|'')*')|(?<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|(?<number>0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)|(?<variable>\?\d*|[:@$][\w$\u0080-\u{10FFFF}]+)|(?<name>[A-Za-z_\u0080-\u{10FFFF}][\w$\u0080-\u{10FFFF}]*)|(?<mark>->>|->|\|\||<<|>>|<=|>=|<>|==|!=|[-+*/%(),.;<>=&|~])/uy;

/** Throws INVALID_QUERY for what is no SQL. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  let isApart = false;
  pattern.lastIndex = 0;
  while (pattern.lastIndex < sql.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(sql)?.groups;
    if (groups === undefined) throw new ZerohopError('INVALID_QUERY', `SQL can't be read from here: ${near(sql, at)}`);
    if (groups.space !== undefined) {
      isApart = true;
      continue;
    }
    tokens.push({ ...tokenOf(groups), isApart });
    isApart = false;
  }
  return tokens;
}

/** Whether what was typed so far is a statement with its semicolon; what can't be SQL is one as well, to be told so. */
export function isFinished(sql: string): boolean {
  let last = '';
  pattern.lastIndex = 0;
  while (pattern.lastIndex < sql.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(sql)?.groups;
    // A quote that is open goes on in the next line.
    if (groups === undefined) return !'\'"`['.includes(sql.charAt(at));
    if (groups.space === undefined) last = groups.mark ?? '';
  }
  return last === ';';
}

const kinds = ['blob', 'text', 'quoted', 'number', 'variable', 'name', 'mark'] as const;

function tokenOf(groups: Readonly<Record<string, string | undefined>>): Omit<Token, 'isApart'> {
  const kind = kinds.find((one) => groups[one] !== undefined) ?? 'mark';
  const raw = groups[kind] ?? '';
  if (kind === 'name') return { kind, raw, value: raw, word: raw.toUpperCase() };
  if (kind !== 'text' && kind !== 'quoted') return { kind, raw, value: raw, word: '' };
  const end = raw.at(-1) ?? '';
  const inner = raw.slice(1, -1);
  return { kind, raw, value: end === ']' ? inner : inner.replaceAll(end + end, end), word: '' };
}

/** The statement again, or a part of it, without its comments. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ raw, isApart }) => (isApart ? ` ${raw}` : raw)).join('');
}

/** Whether a token may be what something is called. */
export function isName({ kind }: Token): boolean {
  return kind === 'name' || kind === 'quoted';
}

function near(sql: string, at: number): string {
  const rest = sql.slice(at, at + 30);
  return rest.length === 0 ? 'its end' : JSON.stringify(rest);
}
