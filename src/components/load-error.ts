// What went wrong while an app was loaded, as one line a person can act on: file, line, message.

import { join, relative } from 'node:path';

/** @param folder the app's: paths are told relative to it */
export function describeLoadError(error: unknown, folder: string, file?: string): string {
  if (error instanceof AggregateError)
    return error.errors.map((one) => describeLoadError(one, folder, file)).join('; ');
  if (!(error instanceof Error)) return `${file ?? 'the app'}: threw ${Bun.inspect(error)}`;
  const message = withRemedy(error.message.replaceAll(`${folder}/`, ''));
  const place = placeOf(error, folder);
  if (place !== undefined) return `${place}: ${message}`;
  return file === undefined || message.includes(file) ? message : `${file}: ${message}`;
}

/** What the engine says of common mistakes, with what to do. */
function withRemedy(message: string): string {
  const missing = /^Cannot find package '([^']+)'/.exec(message)?.[1];
  if (missing !== undefined) return `${message}. To install it in the app's folder: npm install ${missing}`;
  if (message.includes('superclass is not a constructor'))
    return `${message} What the class extends is not there: is that table in the schema?`;
  return message;
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
