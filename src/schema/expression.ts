// The JS expression of a `@computed(from: "...")` attribute → a function of the record. The expression is code of the app
// and trusted like it.

/** Words that can't be parameter names. */
const reserved = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected public ' +
    'return static super switch this throw true try typeof var void while with yield'
  ).split(' '),
);

/**
 * Attributes are variables in the expression, undefined where the record has none; `record` is the record itself, unless an
 * attribute is called so. Throws SyntaxError.
 */
export function compileExpression(
  from: string,
  attributeNames: Iterable<string>,
): (record: Readonly<Record<string, unknown>>) => unknown {
  const names = [...attributeNames].filter((name) => !reserved.has(name));
  const parameters = names.includes('record') ? names : [...names, 'record'];
  // First alone, so that text like `1); more(` can't close the parenthesis below.
  new Function(...parameters, `'use strict'; return [${from}\n];`);
  const evaluate = new Function(...parameters, `'use strict'; return (${from}\n);`);
  return (record) => evaluate(...names.map((name) => record[name]), record);
}
