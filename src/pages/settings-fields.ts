// Options of config.yaml, read one at a time and checked: each by its name and the place it stands at, which messages tell.

import { Glob } from 'bun';
import { nearest, ZerohopError } from '../base/index.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function wrong(place: string, what: string): ZerohopError {
  return new ZerohopError('INVALID_CONFIG', `config.yaml: ${place} ${what}.`);
}

export function fieldsOf(value: unknown, place: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(place, `must have options: ${known.join(', ')}`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw wrong(
      place,
      `has no option "${unknown}"${near === undefined ? '.' : `; did you mean "${near}"?`} It has: ${known.join(', ')}`,
    );
  }
  return value as Fields;
}

export function textOf(fields: Fields, name: string, place: string): string | undefined {
  const value = fields[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw wrong(`${place}.${name}`, `must be text, not ${JSON.stringify(value)}`);
}

export function flagOf(fields: Fields, name: string, place: string): boolean | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrong(`${place}.${name}`, `must be true or false, not ${JSON.stringify(value)}`);
}

export function oneOf<const T extends string>(
  fields: Fields,
  name: string,
  place: string,
  choices: readonly T[],
): T | undefined {
  const value = fields[name];
  const found = choices.find((choice) => choice === value);
  if (value === undefined || found !== undefined) return found;
  throw wrong(`${place}.${name}`, `must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`);
}

export function listOf(fields: Fields, name: string, place: string): readonly string[] | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw wrong(`${place}.${name}`, `must be a list of names, not ${JSON.stringify(value)}`);
}

export function countOf(fields: Fields, name: string, place: string): number | undefined {
  const value = fields[name];
  if (value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1)) return value;
  throw wrong(`${place}.${name}`, `must be a whole number from 1, not ${JSON.stringify(value)}`);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** '10m' → ms. A number without unit counts seconds. */
export function durationOf(fields: Fields, name: string, place: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  const [, digits, unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)?$/.exec(String(value)) ?? [];
  const scale = unitMs[unit];
  if (digits === undefined || scale === undefined)
    throw wrong(`${place}.${name}`, `must be a time such as 30s, 10m, 1h or 7d, not ${JSON.stringify(value)}`);
  return Number(digits) * scale;
}

const unitBytes: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** '8MB' → bytes. */
export function sizeOf(fields: Fields, name: string, place: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  const [, digits, unit = 'B'] = /^(\d{1,12})\s*(B|KB|MB|GB)?$/.exec(String(value)) ?? [];
  const scale = unitBytes[unit];
  if (digits === undefined || scale === undefined)
    throw wrong(`${place}.${name}`, `must be a size such as 512KB or 8MB, not ${JSON.stringify(value)}`);
  return Number(digits) * scale;
}

/** Whether a path fits a pattern: '/product/**' is also '/product'. */
export function matcherOf(match: string): (path: string) => boolean {
  if (!/[*?[{]/.test(match)) return (path) => path === match;
  const globs = [match, ...(match.endsWith('/**') ? [match.slice(0, -3)] : [])].map((pattern) => new Glob(pattern));
  return (path) => globs.some((glob) => glob.match(path));
}
