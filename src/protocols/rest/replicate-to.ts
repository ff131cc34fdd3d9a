// `X-Replicate-To: 2;confirm=1`, `X-Replicate-To: node-a,node-b;confirm=2`: how many other nodes, or which, and how many of them are to have a
// write on disk before it is answered.

import { ZerohopError } from '../../base/index.ts';
import type { Context } from '../../resources/index.ts';

const header = /^(?:(\d{1,5})|([^;]+?))\s*(?:;\s*confirm\s*=\s*(\d{1,5})\s*)?$/i;

/** Throws INVALID_HEADER. */
export function replicateAsAsked(
  headers: Headers,
  context: Pick<Context, 'replicateTo' | 'replicatedConfirmation'>,
): void {
  const text = headers.get('x-replicate-to')?.trim();
  if (text === undefined) return;
  const [, count, list = '', confirm] = header.exec(text) ?? [];
  const names = [...new Set(list.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  const most = count === undefined ? names.length : Number(count);
  const wanted = confirm === undefined ? 0 : Number(confirm);
  if ((count === undefined && names.length === 0) || wanted > most)
    throw new ZerohopError(
      'INVALID_HEADER',
      `X-Replicate-To is "${text}". Give a number of nodes or their names, and how many of them are to confirm: "2;confirm=1" or "node-a,node-b;confirm=2".`,
    );
  context.replicateTo = count === undefined ? names : most;
  if (confirm !== undefined) context.replicatedConfirmation = wanted;
}
