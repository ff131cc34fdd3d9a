// An error as a person at a terminal should read it: one line for what is expected to go wrong, the stack for a bug.

import { ZerohopError } from '../base/index.ts';

/** Something the person can put right. The message says what, which one, and what to do. */
export class Refusal extends Error {}

/** What was typed or configured is wrong. */
export class BadUsage extends Refusal {}

export function describeFailure(error: unknown): string {
  if (error instanceof ZerohopError || error instanceof Refusal) return `zerohop: ${error.message}`;
  if (!(error instanceof Error)) return `zerohop: ${String(error)}`;
  if ('syscall' in error && 'code' in error) return `zerohop: ${systemMessage(error)}`;
  return `zerohop: this is a bug. ${error.stack ?? error.message}`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof BadUsage ? 2 : 1;
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied. Check who owns it, or run as a user who may use it.',
  EPERM: 'Not permitted. Check who owns it, or run as a user who may use it.',
  ENOENT: 'It does not exist.',
  ENOSPC: 'The disk is full. Make room and try again.',
  EROFS: 'The disk is read-only. Choose another folder.',
  EADDRINUSE: 'The port is in use. Stop what uses it, or choose another with --http-port or --operations-port.',
  EMFILE: 'Too many open files. Raise the limit (ulimit -n).',
};

function systemMessage(error: Error & { code: unknown }): string {
  const which = 'path' in error && typeof error.path === 'string' ? `${error.path}: ` : '';
  return `${which}${remedies[String(error.code)] ?? error.message} (${error.code})`;
}
