// The one place every call from outside passes, whichever door it came through:
//
//   1 permission   security's `allow`, or the class's own allowRead and its kin
//   2 the verb     in the scope of the node and the request; table calls join its transaction
//   3 commit       when it returned; when it threw, nothing of it is written
//   4 answer       what it returned, in a shape that lets the door send stored bytes as they are

import { Readable } from 'node:stream';
import { ZerohopError } from '../base/index.ts';
import type { Query } from '../query/index.ts';
import type { Id } from '../records/index.ts';
import { type Action, accessTo, refusal } from '../security/index.ts';
import type { SearchResult, StoredRecord, Table } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import { type Guard, guardFor, guardTarget, limited } from './guard.ts';
import { TableRecord } from './record.ts';
import type { RequestContext } from './request-context.ts';
import { pathOfId, RequestTarget } from './request-target.ts';
import { methodNotAllowed, methodOf, ownMethod, Resource } from './resource.ts';
import { runInScope } from './scope.ts';
import { sourceOf, type TableSource } from './sources.ts';
import { lookupOf, type Place } from './table-place.ts';
import {
  describeTable,
  explain,
  nameTarget,
  oneRecord,
  openSearch,
  readProperty,
  readStored,
  staleOf,
  TableRows,
} from './table-reads.ts';
import { checkOf, TableResource } from './table-resource.ts';
import { deleteFrom, patchIn, postTo, putInto } from './table-verbs.ts';
import type { Match, ResourceClass, Verb } from './types.ts';

/** One call of a verb at a door. */
export interface Call {
  readonly verb: Verb;
  readonly match: Match;
  readonly target: RequestTarget;
  /** The decoded body or a promise of it. */
  readonly data?: unknown;
  readonly context: RequestContext;
}

/**
 * What came of a call. All writes are durable by then. Reading on from `rows`, or from iterables inside `value`, uses the context's
 * transaction: call `context.release()` when the response is done.
 */
export type Answer =
  /** There is nothing to send: 204. */
  | { readonly kind: 'none' }
  /** No such record: 404. */
  | { readonly kind: 'missing' }
  /** A record exactly as stored: its `body` may be sent as it is. */
  | { readonly kind: 'record'; readonly table: Table; readonly record: StoredRecord }
  /** Rows of a table, each with its JSON text, ready to send. `single`: of one record, the first row is the answer. */
  | {
      readonly kind: 'rows';
      readonly table: Table;
      readonly query: Query;
      readonly result: SearchResult;
      readonly single: boolean;
    }
  /** A record was created: 201. `location` is its path below the endpoint's: '42'. */
  | { readonly kind: 'created'; readonly id: Id; readonly location: string }
  /** A record or records were written: 204. */
  | { readonly kind: 'written'; readonly existed: boolean }
  /** Whatever app code returned: data, a Response, a response-like object with `headers`, a stream, an iterable, a Blob. */
  | { readonly kind: 'value'; readonly value: unknown };

/** Answers a call, or throws: a ZerohopError, or what app code threw. Then nothing is written, and the context is released. */
export function dispatch(call: Call): Promise<Answer> {
  const { tracer } = call.context.node;
  if (tracer === undefined) return dispatched(call);
  const { verb, match } = call;
  const attributes = { 'zerohop.resource': match.path, 'zerohop.verb': verb };
  return tracer.run(`${verb} ${match.path || '/'}`, { attributes }, () => dispatched(call));
}

async function dispatched(call: Call): Promise<Answer> {
  const { context, match } = call;
  context.endpoint = match.path;
  try {
    const guard = await permit(call);
    const { table } = match;
    const isPlain = table !== undefined && ownMethod(match.resource, call.verb) === undefined;
    const answer = isPlain ? await answerFromTable(call, table, guard) : await answerFromApp(call);
    const { begunTransaction } = context;
    const written = await (begunTransaction && runInScope(context.node, context, () => begunTransaction.commit()));
    context.markAnswered();
    return afterCommit(answer, context, written !== undefined && written.length > 0);
  } catch (error) {
    context.release();
    throw error;
  }
}

/** A commit lets go of the snapshot that rows were to be read from: they are read from the next one, which has what was written. */
function afterCommit(answer: Answer, context: RequestContext, hasWritten: boolean): Answer {
  // The id of a new record may be known only now.
  if (answer.kind === 'value' && answer.value instanceof TableResource)
    return { ...answer, value: answer.value.toJSON() };
  if (answer.kind !== 'rows' || !hasWritten) return answer;
  const { table, query } = answer;
  return { ...answer, result: openSearch({ node: context.node, table, context }, query) };
}

const actions: Readonly<Record<Verb, Action>> = {
  get: 'read',
  search: 'read',
  subscribe: 'read',
  connect: 'read',
  put: 'update',
  patch: 'update',
  post: 'insert',
  publish: 'insert',
  delete: 'delete',
};

const hooks: Readonly<Record<Action, string>> = {
  read: 'allowRead',
  insert: 'allowCreate',
  update: 'allowUpdate',
  delete: 'allowDelete',
};

/** Throws UNAUTHENTICATED or FORBIDDEN. Gives what the call is limited to, in a table; undefined: nothing. */
async function permit({ verb, match, target, data, context }: Call): Promise<Guard | undefined> {
  const { resource, table } = match;
  const action = actions[verb];
  const name = match.path || resource.name;
  const decided = await ownDecision(resource, action, target, data, context);
  if (decided === true) return undefined;
  if (decided === false) throw refusal(context.user, action, name);
  const isOwn = answersBySelf(resource, verb, target);
  if (!isOwn && table === undefined) {
    if (resource.tableName) throw new ZerohopError('NOT_FOUND', `The table ${resource.tableName} was dropped.`);
    throw methodNotAllowed(resource, verb);
  }
  const access = accessTo(context.node.databases);
  if (table === undefined) {
    access.demand(context.user, action, { name, appDefined: isOwn });
    return undefined;
  }
  const grants = access.grants(context.user).on(table.definition);
  // App code that answers decides by itself, but for what it hands on to the table with the same target. To put is to create or to replace, and to delete an attribute is to change a record; which it is, and whether that is allowed, is
  // seen where it happens.
  const isAllowed =
    isOwn ||
    (verb === 'put'
      ? grants.insert.allowed || grants.update.allowed
      : verb === 'delete' && target.property !== undefined
        ? grants.update.allowed
        : grants[action].allowed);
  if (!isAllowed) throw refusal(context.user, action, name);
  const guard = guardFor(context.node, context.user);
  if (guard !== undefined) guardTarget(target, guard);
  return guard;
}

/** Whether app code answers the call. A collection is read by `get` or, where there is none, by `search`. */
function answersBySelf(resource: ResourceClass, verb: Verb, target: RequestTarget): boolean {
  if (ownMethod(resource, verb) !== undefined) return true;
  return verb === 'get' && target.isCollection && ownMethod(resource, 'search') !== undefined;
}

/** What the class's allowRead, allowUpdate, allowCreate or allowDelete says; undefined when it has none. */
async function ownDecision(
  resource: ResourceClass,
  action: Action,
  target: RequestTarget,
  data: unknown,
  context: RequestContext,
): Promise<boolean | undefined> {
  const name = hooks[action];
  const onClass = methodOf(resource, name);
  const prototype: unknown = Reflect.get(resource, 'prototype');
  const onInstance = typeof prototype === 'object' && prototype !== null ? methodOf(prototype, name) : undefined;
  if (onClass === undefined && onInstance === undefined) return undefined;
  const about = action === 'insert' || action === 'update' ? await data : target;
  return runInScope(context.node, context, async () => {
    if (onClass !== undefined) return Boolean(await onClass.call(resource, context.user, about, context));
    const made = isResource(resource) ? new resource(target.id, context) : undefined;
    return Boolean(await onInstance?.call(made, context.user, about, context));
  });
}

function isResource(resource: ResourceClass): resource is typeof Resource {
  return typeof resource === 'function' && Object.prototype.isPrototypeOf.call(Resource, resource);
}

function isTableResource(resource: ResourceClass): resource is typeof TableResource {
  return typeof resource === 'function' && Object.prototype.isPrototypeOf.call(TableResource, resource);
}

/** A verb the class leaves to the runtime. */
async function answerFromTable(
  { verb, match, target, data, context }: Call,
  table: Table,
  guard: Guard | undefined,
): Promise<Answer> {
  const { resource } = match;
  if (verb === 'get' && target.isCollection && ownMethod(resource, 'search') !== undefined) {
    return runInScope(context.node, context, async () => shape(await resource.search?.(target, context), context));
  }
  const tableClass = isTableResource(resource) ? resource : undefined;
  const place: Place = { node: context.node, table, context, guard, ...(tableClass && { tableClass }) };
  const check = isTableResource(resource) ? checkOf(resource) : () => {};
  switch (verb) {
    case 'get':
    case 'search': {
      const source = sourceOf(place);
      return source ? readFromSource(source, place, target) : readFromTable(place, target);
    }
    case 'put':
    case 'patch': {
      const body = await data;
      await runInScope(context.node, context, () => (verb === 'put' ? putInto : patchIn)(place, check, target, body));
      return { kind: 'written', existed: true };
    }
    case 'post': {
      const body = await data;
      const created = await runInScope(context.node, context, () => postTo(place, check, target, body));
      // Where the store counts ids, the commit tells.
      await context.transaction.commit();
      return created.id === null
        ? { kind: 'none' }
        : { kind: 'created', id: created.id, location: pathOfId(created.id) };
    }
    case 'delete':
      return { kind: 'written', existed: await deleteFrom(place, target) };
    default:
      throw methodNotAllowed(resource, verb);
  }
}

/** A record is brought up to date by its source first; so are the stale ones that a query finds. */
async function readFromSource(source: TableSource, place: Place, target: RequestTarget): Promise<Answer> {
  const named = nameTarget(target, place);
  if (named.kind === 'record') return readFromTable(await source.ready(place, named.id, target), target);
  if (named.kind === 'collection' && !named.query.explain && source.gather)
    return readFromTable(await source.gather(place, limited(place, named.query)), target);
  if (named.kind === 'collection' && !named.query.explain)
    await source.readyAll(place, staleOf(place, limited(place, named.query)));
  return readFromTable(place, target);
}

function readFromTable(place: Place, target: RequestTarget): Answer {
  const { table, context, guard } = place;
  if (
    context !== undefined &&
    place.instead === undefined &&
    (guard === undefined || guard.grants.on(table.definition).read.isWhole) &&
    context.begunTransaction === undefined &&
    !target.isCollection &&
    !target.hasQuery &&
    target.property === undefined
  ) {
    const id = target.idIn(table);
    // The one read of the request: no snapshot to hold.
    if (id !== undefined) return answerOfStored(table, place.node.databases.getLatest(table, id), context);
  }
  const named = nameTarget(target, place);
  if (named.kind === 'table') return { kind: 'value', value: describeTable(place) };
  if (named.kind === 'collection') {
    const query = limited(place, named.query);
    if (query.explain) return { kind: 'value', value: explain(place, query) };
    return { kind: 'rows', table, query, result: openSearch(place, query), single: false };
  }
  if (named.property !== undefined) {
    const value = readProperty(place, named.id, named.property);
    return value === undefined ? { kind: 'missing' } : { kind: 'value', value };
  }
  if (named.query !== undefined) {
    const query = limited(place, oneRecord(named.query, named.id, table));
    return { kind: 'rows', table, query, result: openSearch(place, query), single: true };
  }
  return answerOfStored(table, readStored(place, named.id), context);
}

function answerOfStored(table: Table, record: StoredRecord | undefined, context: RequestContext | undefined): Answer {
  if (record === undefined) return { kind: 'missing' };
  context?.noteRead(record);
  return { kind: 'record', table, record };
}

/** A verb of app code: its static method, or the instance method that `Resource`'s static calls. */
async function answerFromApp({ verb, match, target, data, context }: Call): Promise<Answer> {
  const { resource } = match;
  const method = methodOf(resource, verb);
  if (method === undefined) throw methodNotAllowed(resource, verb);
  const hasData = verb === 'put' || verb === 'patch' || verb === 'post' || verb === 'publish' || verb === 'connect';
  return runInScope(context.node, context, async () => {
    const body = data instanceof Promise ? data : Promise.resolve(data);
    const value = await (hasData
      ? method.call(resource, target, body, context)
      : method.call(resource, target, context));
    // A failure is the handler's to see; one that never looked at the body need not fail for it.
    if (hasData) body.catch(() => {});
    return shape(value, context, verb);
  });
}

/** What app code returned, in the shape that is cheapest to send. */
function shape(value: unknown, context: RequestContext, verb: Verb = 'get'): Answer {
  if (value === undefined || value === null) {
    if (verb === 'get' || verb === 'search') return value === null ? { kind: 'value', value } : { kind: 'missing' };
    return { kind: 'none' };
  }
  if (value instanceof TableRecord) {
    const { table, stored } = TableRecord.origin(value);
    // What the call itself wrote has no version yet, and so no tag and no date.
    const isWritten = context.begunTransaction?.hasStaged(table, stored.id) === true;
    return isWritten ? { kind: 'value', value } : { kind: 'record', table, record: stored };
  }
  if (value instanceof TableRows && value.place.context === context) {
    const { place, query } = value;
    return { kind: 'rows', table: place.table, query, result: openSearch(place, query), single: false };
  }
  return { kind: 'value', value: inContext(value, context) };
}

/** An iterable goes on running in the context of its request when the door reads it. */
function inContext(value: unknown, context: RequestContext): unknown {
  if (typeof value !== 'object' || value === null || !(Symbol.asyncIterator in value)) return value;
  if (value instanceof ReadableStream || value instanceof Readable) return value;
  const source = value as AsyncIterable<unknown>;
  return {
    [Symbol.asyncIterator](): AsyncIterator<unknown> {
      const iterator = runInScope(context.node, context, () => source[Symbol.asyncIterator]());
      return {
        next: () => runInScope(context.node, context, () => iterator.next()),
        return: (result) =>
          runInScope(
            context.node,
            context,
            () => iterator.return?.(result) ?? Promise.resolve({ done: true, value: undefined }),
          ),
      };
    },
  };
}

/** The target of a request to a resource the registry found. `search`: the URL's query with its '?', or ''. */
export function targetOf(match: Match, search: string, node: AppNode): RequestTarget {
  const { table } = match;
  return RequestTarget.forMatch(match, search, table && lookupOf({ node, table, context: undefined }));
}
