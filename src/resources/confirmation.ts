// What a request says about other nodes that are to have its writes → what its commits wait for.

import { ZerohopError } from '../base/index.ts';
import type { Confirmation } from '../store/index.ts';
import type { Context } from './types.ts';

/** Undefined: nobody is waited for. Throws INVALID_REQUEST. */
export function confirmationOf({
  replicateTo,
  replicatedConfirmation: count,
}: Pick<Context, 'replicateTo' | 'replicatedConfirmation'>): Confirmation | undefined {
  if (count === undefined || count === 0) return undefined;
  if (!isCount(count)) throw wrong(`replicatedConfirmation is ${String(count)}, and must be a whole number from 0 up.`);
  if (replicateTo === undefined) return { count };
  const most = typeof replicateTo === 'number' ? replicateTo : new Set(replicateTo).size;
  if (!isCount(most))
    throw wrong(`replicateTo is ${String(replicateTo)}, and must be a whole number or a list of names.`);
  if (count > most)
    throw wrong(`${count} nodes are to confirm a write that is to go to ${most}. Ask for ${most} at most.`);
  return typeof replicateTo === 'number' ? { count } : { count, among: [...new Set(replicateTo)] };
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function wrong(message: string): ZerohopError {
  return new ZerohopError('INVALID_REQUEST', message);
}
