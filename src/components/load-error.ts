// What went wrong while an app was loaded, as one line a person can act on: file, line, message.

import { join, relative } from 'node:path';
import { ZerohopError } from '../base/index.ts';

/** @param folder the app's: paths are told relative to it */
export function describeLoadError(error: unknown, folder: string, file?: string): string {
  if (error instanceof AggregateError)
    return error.errors.map((one) => describeLoadError(one, folder, file)).join('; ');
  if (!(error instanceof Error)) return `${file ?? 'the app'}: threw ${Bun.inspect(error)}`;
  const message = error.message.replaceAll(`${folder}/`, '');
  const place = placeOf(error, folder);
  // What the runtime refuses names the place itself, unless it was code of the app that asked.
  if (error instanceof ZerohopError) return place === undefined ? message : `${place}: ${message}`;
  if (place !== undefined) return `${place}: ${message}`;
  return file === undefined || message.includes(file) ? message : `${file}: ${message}`;
}

/** `file:line:column` in the app's folder; undefined when the error doesn't tell. */
function placeOf(error: Error, folder: string): string | undefined {
  const position: unknown = Reflect.get(error, 'position');
  if (isPosition(position)) return `${relative(folder, position.file)}:${position.line}:${position.column}`;
  const root = join(folder, '/');
  const frame = (error.stack ?? '').split('\n').find((line) => line.includes(root) && !line.includes('/node_modules/'));
  return frame
    ?.slice(frame.indexOf(root) + root.length)
    .trim()
    .replace(/\)$/, '');
}

function isPosition(
  value: unknown,
): value is { readonly file: string; readonly line: number; readonly column: number } {
  return typeof value === 'object' && value !== null && 'file' in value && 'line' in value && 'column' in value;
}
