// `transaction(fn)`: table calls inside happen together or not at all.

import { administrator } from '../security/index.ts';
import type { Transaction } from '../tables/index.ts';
import { RequestContext } from './request-context.ts';
import { currentContext, currentNode, runInScope } from './scope.ts';

type Body<Result> = (transaction: Transaction) => Result | Promise<Result>;

/**
 * Runs `body`, commits when it returns and rolls back when it throws. Inside a request or another transaction it joins that one: its
 * writes are committed, or rolled back, with it. Resolves when the commit is durable.
 */
export function transaction<Result>(body: Body<Result>): Promise<Result>;
export function transaction<Result>(context: object, body: Body<Result>): Promise<Result>;
export async function transaction<Result>(first: object | Body<Result>, second?: Body<Result>): Promise<Result> {
  const body = second ?? (first as Body<Result>);
  const given = first instanceof RequestContext ? first : currentContext();
  if (given?.phase === 'open') return runInScope(given.node, given, () => body(given.transaction));
  const node = given?.node ?? currentNode();
  const context = new RequestContext(node, { user: given?.user ?? administrator });
  try {
    const result = await runInScope(node, context, () => body(context.transaction));
    await context.transaction.commit();
    context.markAnswered();
    return result;
  } finally {
    context.release();
  }
}
