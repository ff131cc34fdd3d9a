// Full text: what a person typed → an FTS5 expression in which nothing of it is syntax, and the SQL that finds its rows.
//
//   red shoes      both words, anywhere        "red shoes"    the phrase        sho*     words that start so

import { ZerohopError } from '../base/index.ts';
import { quoted } from '../storage/index.ts';
import type { FulltextSource, TableLayout } from './layout.ts';
import type { Scope } from './scope.ts';

/** @param column the FTS5 column to look in */
export function matchExpression(text: string, column: string, name: string): string {
  const words: string[] = [];
  for (const match of text.replaceAll('\0', ' ').matchAll(/"([^"]*)"?(\*?)|([^\s"*]+)(\*?)/gu)) {
    const word = match[1] ?? match[3] ?? '';
    // The tokenizer makes words of letters and digits only; FTS5 needs one at least.
    if (/[\p{L}\p{N}\p{Co}]/u.test(word)) words.push(`"${word}"${(match[2] ?? match[4]) === '*' ? ' *' : ''}`);
  }
  if (words.length === 0) {
    throw new ZerohopError('INVALID_QUERY', `"${text}" has no word to look for in "${name}".`, { attribute: name });
  }
  return `{${quoted(column)}} : (${words.join(' ')})`;
}

export function fulltextSources(layout: TableLayout): readonly FulltextSource[] {
  if (layout.fulltextSources) return layout.fulltextSources;
  return layout.names.fulltext === null ? [] : [{ table: layout.names.fulltext }];
}

/** SELECT of the rows that match, as `row`; with `score` (higher is better) on wish. */
export function fulltextSql(scope: Scope, attribute: string, text: string, withScore: boolean): string {
  const column = scope.layout.names.columns.get(attribute) ?? attribute;
  const match = scope.builder.bind(matchExpression(text, column, attribute));
  return fulltextSources(scope.layout)
    .map(({ table, rowFilterSql }) => {
      const filter = rowFilterSql === undefined ? '' : ` AND (${rowFilterSql})`;
      const score = withScore ? ', -rank AS score' : '';
      return `SELECT rowid AS row${score} FROM ${quoted(table)} WHERE ${quoted(table)} MATCH ${match}${filter}`;
    })
    .join(' UNION ALL ');
}
