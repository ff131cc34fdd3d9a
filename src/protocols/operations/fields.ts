// What operations take out of a request's body, checked. All throw INVALID_REQUEST.

import { ZerohopError } from '../../base/index.ts';
import type { OperationCall } from './types.ts';

export type Body = OperationCall['body'];

/** The first of the names that is there. */
export function text(body: Body, ...names: readonly [string, ...string[]]): string {
  const value = optionalText(body, ...names);
  if (value !== undefined) return value;
  throw new ZerohopError('INVALID_REQUEST', `${String(body.operation)} needs "${names[0]}", a text.`);
}

export function optionalText(body: Body, ...names: readonly string[]): string | undefined {
  const value = firstOf(body, names);
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new ZerohopError('INVALID_REQUEST', `"${names[0]}" is a text that is not empty.`);
}

export function optionalCount(body: Body, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" is a whole number that is not negative.`);
}

export function optionalFlag(body: Body, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  throw new ZerohopError('INVALID_REQUEST', `"${name}" is true or false.`);
}

export function list(body: Body, ...names: readonly [string, ...string[]]): readonly unknown[] {
  const value = firstOf(body, names);
  if (Array.isArray(value)) return value;
  throw new ZerohopError('INVALID_REQUEST', `${String(body.operation)} needs "${names[0]}", a list.`);
}

export function firstOf(body: Body, names: readonly string[]): unknown {
  return body[names.find((name) => body[name] !== undefined) ?? ''];
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In an operation, a schema or a configuration that is wrong is the caller's mistake, not the node's. */
export async function asRequest<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ZerohopError && (error.code === 'INVALID_SCHEMA' || error.code === 'INVALID_CONFIG'))
      throw new ZerohopError('INVALID_REQUEST', error.message, error.fields);
    throw error;
  }
}
