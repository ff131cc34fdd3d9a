// A statement's parameters: their numbers, and the values the caller gives them.

import { ZerohopError } from '../base/index.ts';
import { wrong } from './refusals.ts';
import { type Token, tokensOf } from './tokens.ts';

/** What the caller gives a value for: by place or by name. */
export type Variable = { readonly index: number } | { readonly name: string };

export type SqlParameter = string | number | null;

/** By place, or by name without `:`, `@` or `$`. */
export type GivenParameters = readonly unknown[] | Readonly<Record<string, unknown>>;

/** In the order of the variables. Truth values become 1 and 0, structures JSON texts. Throws INVALID_REQUEST where one is missing. */
export function valuesOf(variables: readonly Variable[], given: GivenParameters): SqlParameter[] {
  const isList = Array.isArray(given);
  return variables.map((variable, at) => {
    const name = 'name' in variable ? variable.name : undefined;
    const value: unknown =
      name === undefined
        ? Reflect.get(given, at)
        : isList || !Object.hasOwn(given, name)
          ? undefined
          : Reflect.get(given, name);
    if (value === undefined || (name === undefined && !isList))
      throw new ZerohopError(
        'INVALID_REQUEST',
        name === undefined
          ? `There is no value for parameter ${at + 1}: give "parameters", a list.`
          : `There is no value for the parameter ${name}: give "parameters", an object.`,
      );
    if (value === null || typeof value === 'string' || typeof value === 'number') return value;
    return typeof value === 'boolean' ? Number(value) : JSON.stringify(value);
  });
}

/** Numbers each variable as SQLite does, so that parts of the statement can stand alone. */
export function numberVariables(tokens: readonly Token[]): {
  readonly tokens: Token[];
  readonly variables: Variable[];
} {
  const variables: Variable[] = [];
  const named = new Map<string, number>();
  const place = (raw: string): number => {
    if (raw === '?') return variables.push({ index: variables.length });
    if (raw.startsWith('?')) {
      const number = Number(raw.slice(1));
      if (number < 1 || number > mostVariables)
        throw wrong(`${raw} is no parameter: they are ?1 to ?${mostVariables}.`);
      while (variables.length < number) variables.push({ index: variables.length });
      return number;
    }
    const number = named.get(raw) ?? variables.push({ name: raw.slice(1) });
    named.set(raw, number);
    return number;
  };
  const numbered = tokens.map((token) =>
    token.kind === 'variable' ? { ...token, raw: `?${place(token.raw)}` } : token,
  );
  if (variables.length > mostVariables) throw wrong(`A statement has ${mostVariables} parameters at most.`);
  return { tokens: numbered, variables };
}

const mostVariables = 1000;

/** The numbers of the parameters in a text, each of which has one. */
export function variablesIn(sql: string): number[] {
  return tokensOf(sql).flatMap(({ kind, raw }) => (kind === 'variable' ? Number(raw.slice(1)) : []));
}
