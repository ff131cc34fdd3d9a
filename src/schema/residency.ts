// Where the records of a spread table are to be, by code of the app: a function of the id alone, kept as its text, so that every node, and every
// thread of it, works out the same. The text is code of the app and trusted like it.

import { ZerohopError } from '../base/index.ts';

/** The number of a shard, names of nodes, or undefined: any nodes. */
export type Residence = number | readonly string[] | undefined;

/** Longest text of a function, in characters: it travels with what each node says it holds. */
export const longestResidency = 4_000;
/** Names of nodes that hold a record, at most. */
const mostNames = 64;

/** What is not the same on each node, or each time. */
const hidden = [
  ...['Bun', 'process', 'globalThis', 'self', 'global', 'Date', 'performance', 'crypto', 'fetch', 'require', 'console'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Function', 'WebSocket', 'Worker', 'navigator'],
];

/** The text of a function that an app gives for a table. Throws APPLICATION_ERROR where it can't be one of the id alone. */
export function residencyText(given: unknown, table: string): string {
  if (typeof given !== 'function')
    throw wrong(table, 'needs a function: (id) => the number of a shard, or a list of names of nodes');
  const text = String(given);
  if (text.length > longestResidency)
    throw wrong(table, `was given a function of ${text.length} characters, and ${longestResidency} are allowed`);
  let place: (id: string | number) => unknown;
  try {
    place = evaluated(text);
  } catch (error) {
    throw wrong(table, `was given what is no function by itself (${error}). Write it as an arrow: (id) => …`);
  }
  for (const id of ['', 'a', 'a-1', '00000000-0000-0000-0000-000000000000'])
    try {
      place(id);
    } catch (error) {
      // An id that the function does not take is for whoever writes it.
      if (error instanceof ReferenceError)
        throw wrong(
          table,
          `was given a function that uses what is outside of it (${error.message}). Only its own text goes to other threads: have all it needs within, and no time or chance`,
        );
    }
  return text;
}

/** Throws SyntaxError for what is no function; the function throws APPLICATION_ERROR where what the app's answers names no place. */
export function compileResidency(text: string, table: string): (id: string | number) => Residence {
  const place = evaluated(text);
  return (id) => {
    let residence: unknown;
    try {
      residence = place(id);
    } catch (error) {
      throw wrong(table, `was given a function that fails for the id ${JSON.stringify(id)}: ${error}`);
    }
    if (residence === undefined || residence === null) return undefined;
    if (typeof residence === 'number' && Number.isSafeInteger(residence)) return residence;
    if (
      Array.isArray(residence) &&
      residence.length > 0 &&
      residence.length <= mostNames &&
      residence.every((name): name is string => typeof name === 'string')
    )
      return residence;
    throw wrong(
      table,
      `was given a function that answers with ${describe(residence)} for the id ${JSON.stringify(id)}: it must be the number of a shard, or a list of 1 to ${mostNames} names of nodes`,
    );
  };
}

function evaluated(text: string): (id: string | number) => unknown {
  // `Math` without chance.
  const math = Object.freeze(
    Object.fromEntries(
      Object.entries(Object.getOwnPropertyDescriptors(Math)).flatMap(([name, { value }]) =>
        name === 'random' ? [] : [[name, value]],
      ),
    ),
  );
  const make = new Function(...hidden, 'Math', `'use strict'; return (${text}\n);`);
  const place: unknown = make(...hidden.map(() => undefined), math);
  if (typeof place !== 'function') throw new SyntaxError('it is no function');
  return (id) => place(id);
}

function describe(value: unknown): string {
  return value instanceof Promise ? 'a promise' : (JSON.stringify(value) ?? typeof value);
}

function wrong(table: string, what: string): ZerohopError {
  return new ZerohopError('APPLICATION_ERROR', `setResidencyById of ${table} ${what}.`);
}
