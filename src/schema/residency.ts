// Where the records of a spread table are to be, by code of the app: a function of the id alone, or of the whole record, kept as its text, so that every node, and every
// thread of it, works out the same. The text is code of the app and trusted like it.

import { ZerohopError } from '../base/index.ts';

/** The number of a shard, names of nodes, or undefined: any nodes. */
export type Residence = number | readonly string[] | undefined;

/** Before the text of a function of the whole record; others are of the id alone. */
const ofRecord = 'record: ';

/** Whether a text is of a function of the whole record. */
export function isOfRecord(text: string): boolean {
  return text.startsWith(ofRecord);
}

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
export function residencyText(given: unknown, table: string, by: 'id' | 'record' = 'id'): string {
  const wrong = wrongOf(table, by);
  const about = by === 'id' ? '(id)' : '(record)';
  if (typeof given !== 'function')
    throw wrong(`needs a function: ${about} => the number of a shard, or a list of names of nodes`);
  const text = String(given);
  if (text.length > longestResidency)
    throw wrong(`was given a function of ${text.length} characters, and ${longestResidency} are allowed`);
  let place: (about: unknown) => unknown;
  try {
    place = evaluated(text);
  } catch (error) {
    throw wrong(`was given what is no function by itself (${error}). Write it as an arrow: ${about} => …`);
  }
  for (const tried of ['', 'a', 'a-1', '00000000-0000-0000-0000-000000000000'])
    try {
      place(by === 'id' ? tried : { id: tried });
    } catch (error) {
      // What the function does not take is for whoever writes it.
      if (error instanceof ReferenceError)
        throw wrong(
          `was given a function that uses what is outside of it (${error.message}). Only its own text goes to other threads: have all it needs within, and no time or chance`,
        );
    }
  return by === 'id' ? text : ofRecord + text;
}

/** Throws SyntaxError for what is no function; the function throws APPLICATION_ERROR where what the app's answers names no place. */
export function compileResidency(text: string, table: string): (about: unknown) => Residence {
  const wrong = wrongOf(table, isOfRecord(text) ? 'record' : 'id');
  const what = isOfRecord(text) ? 'record' : 'id';
  const place = evaluated(isOfRecord(text) ? text.slice(ofRecord.length) : text);
  return (about) => {
    let residence: unknown;
    try {
      residence = place(about);
    } catch (error) {
      throw wrong(`was given a function that fails for the ${what} ${shown(about)}: ${error}`);
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
      `was given a function that answers with ${describe(residence)} for the ${what} ${shown(about)}: it must be the number of a shard, or a list of 1 to ${mostNames} names of nodes`,
    );
  };
}

function evaluated(text: string): (about: unknown) => unknown {
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
  return (about) => place(about);
}

function describe(value: unknown): string {
  return value instanceof Promise ? 'a promise' : (JSON.stringify(value) ?? typeof value);
}

/** As text, not too long. */
function shown(about: unknown): string {
  const text = JSON.stringify(about) ?? typeof about;
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`;
}

const longestShown = 200;

function wrongOf(table: string, by: 'id' | 'record'): (what: string) => ZerohopError {
  const call = by === 'id' ? 'setResidencyById' : 'setResidency';
  return (what) => new ZerohopError('APPLICATION_ERROR', `${call} of ${table} ${what}.`);
}
