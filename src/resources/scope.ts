// The only ambient state of the runtime: which node and which request the running code belongs to. App code reaches its node
// through imports (`tables`, `getContext()`), so there is no parameter to hand it over by.
//
//   inside a request or a transaction   the node and context of that call (AsyncLocalStorage)
//   while an app's modules are loaded   the node that loads them; evaluating a module does not keep the async context
//   anywhere else                       the one node of this thread

import { AsyncLocalStorage } from 'node:async_hooks';
import { ZerohopError } from '../base/index.ts';
import type { AppNode } from './app-node.ts';
import type { RequestContext } from './request-context.ts';
import type { Context } from './types.ts';

interface Scope {
  readonly node: AppNode;
  readonly context: RequestContext | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();
const running: AppNode[] = [];
let loading: AppNode | undefined;
let loadingDone: Promise<void> = Promise.resolve();

/** The node the running code belongs to, or undefined. */
export function currentNodeOrNone(): AppNode | undefined {
  const node = scopes.getStore()?.node ?? loading;
  if (node !== undefined) return node;
  const last = running.at(-1);
  // While an app is reloaded its old and its new node share their data.
  return running.every(({ databases }) => databases === last?.databases) ? last : undefined;
}

/** The node the running code belongs to. Throws when there is none, or more than one it could be. */
export function currentNode(): AppNode {
  const node = currentNodeOrNone();
  if (node !== undefined) return node;
  throw new ZerohopError(
    'APPLICATION_ERROR',
    running.length === 0
      ? 'No node is running in this thread. Start the app with "zerohop dev", or in a test with startTestNode().'
      : 'Several nodes run in this thread, and it is unclear which one is meant. Use the tables of the node: node.tables.',
  );
}

/** The context of the running call. It may be over already: then it can't be joined. */
export function currentContext(): RequestContext | undefined {
  return scopes.getStore()?.context;
}

/** Runs `body`, and all it calls and awaits, as code of `node` within `context`. */
export function runInScope<Result>(node: AppNode, context: RequestContext | undefined, body: () => Result): Result {
  return scopes.run({ node, context }, body);
}

/** Runs `body` while `node` is the one whose modules are being loaded. One at a time in a thread. */
export async function whileLoading<Result>(node: AppNode, body: () => Promise<Result>): Promise<Result> {
  const before = loadingDone;
  const { promise, resolve } = Promise.withResolvers<void>();
  loadingDone = promise;
  await before;
  loading = node;
  try {
    return await runInScope(node, undefined, body);
  } finally {
    loading = undefined;
    resolve();
  }
}

/** Makes `node` one of the thread's nodes, until the returned function is called. */
export function enterThread(node: AppNode): () => void {
  running.push(node);
  return () => {
    const index = running.indexOf(node);
    if (index !== -1) running.splice(index, 1);
  };
}

const noContext: Readonly<Partial<Context>> = Object.freeze({});

/** The context of the running request; an empty object outside of one. */
export function getContext(): Partial<Context> {
  return currentContext() ?? noContext;
}

/** Who is asking; null for nobody known. */
export function getUser(): Context['user'] {
  return currentContext()?.user ?? null;
}

/** What to say about the response besides its body. Throws outside of a request. */
export function getResponse(): Context['response'] {
  const context = currentContext();
  if (context === undefined) {
    throw new ZerohopError('APPLICATION_ERROR', 'getResponse() was called outside of a request.');
  }
  return context.response;
}
