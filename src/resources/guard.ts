// What a caller may see and change of a table, applied to its reads and writes. A decision of security's `allow` becomes: names that do not exist
// for them, a selection, conditions of the query, and checks of what is staged. A read or write without a guard is the app's own, or a super
// user's.

import { ZerohopError } from '../base/index.ts';
import {
  type Condition,
  type ConditionGroup,
  checkQuery,
  parseQueryString,
  type Query,
  type SelectedAttribute,
  type Selection,
} from '../query/index.ts';
import { type Id, tagOf } from '../records/index.ts';
import type { Attribute, TableDefinition } from '../schema/index.ts';
import { type Action, accessTo, callersName, type Grant, type Grants, refusal, type User } from '../security/index.ts';
import type { SearchRow, StoredRecord, Table } from '../tables/index.ts';
import type { AppNode } from './app-node.ts';
import { RequestTarget, type TableLookup } from './request-target.ts';
import type { ScopedTransaction } from './scoped-transaction.ts';

/** Who is calling, and what they may do. */
export interface Guard {
  readonly user: User | null;
  readonly grants: Grants;
}

/** A place in a table, as far as this file needs it. */
interface Guarded {
  readonly node: AppNode;
  readonly table: Table;
  readonly guard?: Guard | undefined;
}

const guards = new WeakMap<RequestTarget, Guard>();

/** The guard of a call from outside; undefined for those who may do everything. */
export function guardFor(node: AppNode, user: User | null): Guard | undefined {
  return user?.superUser ? undefined : { user, grants: accessTo(node.databases).grants(user) };
}

/** Has what app code does with this target (`super.get(target)`) limited to what its caller may do. */
export function guardTarget(target: RequestTarget, guard: Guard): void {
  guards.set(target, guard);
}

/** The place, limited to what the caller of `target` may do, unless app code has said `target.checkPermission = false`. */
export function guardedBy<Place extends Guarded>(place: Place, target: unknown): Place {
  if (place.guard !== undefined || !(target instanceof RequestTarget) || target.checkPermission === false) return place;
  const guard = guards.get(target);
  return guard === undefined ? place : { ...place, guard };
}

export function grantOf({ guard, table }: Guarded, action: Action): Grant | undefined {
  return guard?.grants.on(table.definition)[action];
}

/** The table as the caller sees it. */
export function definitionFor({ node, guard, table }: Guarded): TableDefinition {
  return guard === undefined ? table.definition : seenBy(guard, table.definition, node);
}

/** As `definitionFor`, for a table without a call. */
export function seenDefinition(node: AppNode, guard: Guard | undefined, table: Table): TableDefinition {
  return definitionFor({ node, guard, table });
}

/** What the records must meet that the caller may do `action` to, their name in it; undefined: nothing. */
export function rulesOf(
  node: AppNode,
  guard: Guard | undefined,
  table: Table,
  action: Action,
): ConditionGroup | undefined {
  const place = { node, guard, table };
  const grant = grantOf(place, action);
  return grant && withRows(place, {}, grant).conditions;
}

/** The tables that relationships lead to, as the caller sees them. */
export function lookupFor({ node, guard, table }: Guarded): TableLookup {
  const { database } = table.definition;
  return (name) => {
    const definition = node.databases.table(database, name)?.definition;
    if (definition === undefined || guard === undefined) return definition;
    const { allowed, rows } = guard.grants.on(definition).read;
    if (!allowed) throw refusal(guard.user, 'read', name);
    if (rows !== null) {
      throw new ZerohopError('FORBIDDEN', `Of ${name} you may read some records: read it by itself.`, {
        action: 'read',
      });
    }
    return seenBy(guard, definition, node);
  };
}

const seen = new WeakMap<Grants, WeakMap<TableDefinition, TableDefinition>>();

function seenBy({ grants }: Guard, definition: TableDefinition, node: AppNode): TableDefinition {
  const { attributes } = grants.on(definition).read;
  if (attributes === null) return definition;
  const ofGrants = seen.get(grants) ?? new WeakMap<TableDefinition, TableDefinition>();
  seen.set(grants, ofGrants);
  const known = ofGrants.get(definition);
  if (known !== undefined) return known;
  const isSeen = (name: string): boolean => name === definition.primaryKey || attributes.has(name);
  const declared = definition.attributes.filter(({ name, type, relationship }) => {
    if (type.kind !== 'relation') return isSeen(name);
    // Following a relationship compares its keys.
    const target = node.databases.table(definition.database, type.table)?.definition;
    const ofTarget = target && grants.on(target).read.attributes;
    const { from, to } = relationship ?? {};
    return isSeen(name) && (from === undefined || isSeen(from)) && (to === undefined || !ofTarget || ofTarget.has(to));
  });
  // A table that takes any attribute has those that are named.
  const undeclared = takesAny(definition)
    ? [...attributes].filter((name) => !declared.some((attribute) => attribute.name === name)).map(anyAttribute)
    : [];
  const made = { ...definition, attributes: [...declared, ...undeclared], sealed: true };
  ofGrants.set(definition, made);
  return made;
}

function takesAny({ sealed, attributes, primaryKey }: TableDefinition): boolean {
  return !sealed && attributes.every(({ name, role }) => name === primaryKey || role !== undefined);
}

function anyAttribute(name: string): Attribute {
  const type = { kind: 'scalar', scalar: 'Any' } as const;
  return { name, type, required: false, indexed: false, unique: false, fulltext: false, hidden: false };
}

/** Runs what reads names in a request: one the caller may not read is refused as one that does not exist. */
export function readingNames<Result>(
  place: Guarded,
  read: (definition: TableDefinition, lookup: TableLookup) => Result,
): Result {
  const { guard, table } = place;
  const definition = definitionFor(place);
  const lookup = lookupFor(place);
  if (guard === undefined) return read(definition, lookup);
  // Tables of which the caller sees a part, the last of them one that was looked at.
  let partlySeen = definition === table.definition ? undefined : definition;
  const noting: TableLookup = (name) => {
    const found = lookup(name);
    if (found !== place.node.databases.table(table.definition.database, name)?.definition) partlySeen = found;
    return found;
  };
  try {
    return read(definition, noting);
  } catch (error) {
    if (!(error instanceof ZerohopError) || error.code !== 'UNKNOWN_ATTRIBUTE' || !partlySeen) throw error;
    const visible = partlySeen.attributes.filter(({ hidden }) => !hidden).map((attribute) => attribute.name);
    throw new ZerohopError('FORBIDDEN', `Of ${partlySeen.name} you may read: ${visible.join(', ')}.`, {
      action: 'read',
    });
  }
}

/** Throws UNAUTHENTICATED or FORBIDDEN unless the caller may read of the table. */
export function demandRead(place: Guarded): void {
  const grant = grantOf(place, 'read');
  if (grant && !grant.allowed) throw refused(place, 'read');
}

/** The query, limited to what the caller may read. Throws FORBIDDEN where it names something else. */
export function limited(place: Guarded, query: Query): Query {
  const grant = grantOf(place, 'read');
  if (grant === undefined) return query;
  demandRead(place);
  if (query.explain)
    throw new ZerohopError('FORBIDDEN', 'How a query is answered is shown to super users.', { action: 'read' });
  const definition = definitionFor(place);
  const hasRelations = definition.attributes.some(({ type }) => type.kind === 'relation');
  if (grant.attributes !== null || hasRelations) readingNames(place, (seen, lookup) => checkQuery(query, seen, lookup));
  const select = query.select ?? (grant.attributes === null ? undefined : wholeOf(definition));
  const selected = select && { select: hasRelations ? relatedLimited(place, select, definition) : select };
  return withRows(place, { ...query, ...selected }, grant);
}

/** A relationship that is selected as a whole gives what the caller may read of the related record. */
function relatedLimited(place: Guarded, selection: Selection, definition: TableDefinition): Selection {
  const attributes = selection.attributes.map((selected): SelectedAttribute => {
    const type = definition.attributes.find(({ name }) => name === selected.name)?.type;
    const target = type?.kind === 'relation' ? lookupFor(place)(type.table) : undefined;
    const isWhole = target === place.node.databases.table(definition.database, target?.name ?? '')?.definition;
    const inner = selected.selection ?? (target === undefined || isWhole ? undefined : wholeOf(target));
    if (target === undefined || inner === undefined) return selected;
    return { ...selected, selection: relatedLimited(place, inner, target) };
  });
  return { ...selection, attributes };
}

/** What a record has without a selection. */
function wholeOf({ attributes }: TableDefinition): Selection {
  const stored = attributes.filter(({ type, computed, hidden }) => type.kind !== 'relation' && !computed && !hidden);
  return { shape: 'objects', attributes: stored.map(({ name }) => ({ name })) };
}

/** The query, for records only that the grant is for. */
export function withRows(place: Guarded, query: Query, { rows }: Grant): Query {
  if (rows === null) return query;
  const { node, table, guard } = place;
  const { definition } = table;
  const { conditions } = parseQueryString(
    rows,
    definition,
    (name) => node.databases.table(definition.database, name)?.definition,
  );
  if (conditions === undefined) throw new Error(`Bug: the rows rule ${rows} of ${definition.name} has no conditions`);
  const rule = named(conditions, guard?.user?.username ?? '');
  const all = query.conditions === undefined ? [rule] : [rule, query.conditions];
  return { ...query, conditions: { operator: 'and', conditions: all } };
}

/** The conditions with the caller's name in them. */
function named(group: ConditionGroup, username: string): ConditionGroup {
  return {
    operator: group.operator,
    conditions: group.conditions.map((node): Condition | ConditionGroup =>
      'comparator' in node
        ? { ...node, value: node.value === callersName ? username : node.value }
        : named(node, username),
    ),
  };
}

/** Whether the record as the transaction has it is one the grant is for. */
function isOneOf(place: Guarded, transaction: ScopedTransaction, id: Id, grant: Grant): boolean {
  if (grant.rows === null) return true;
  const { primaryKey } = place.table.definition;
  const one: Condition = { attribute: [primaryKey], comparator: 'equals', value: id };
  const query: Query = { conditions: { operator: 'and', conditions: [one] }, limit: 1, allowFullScan: true };
  for (const _ of transaction.search(place.table, withRows(place, query, grant)).rows) return true;
  return false;
}

/** What to do before and after a write is staged. */
export interface WriteCheck {
  /** Throws FORBIDDEN when what was staged is not one of the records the caller may write. */
  after(id: Id | null): void;
}

const noCheck: WriteCheck = { after: () => {} };

/** Checks that the caller may create or replace the record. `isNew`: the write insists on that there is none. */
export function checkPut(
  place: Guarded,
  transaction: ScopedTransaction,
  id: Id | undefined,
  attributes: readonly string[],
  isNew: boolean,
): WriteCheck {
  const { guard, table } = place;
  if (guard === undefined) return noCheck;
  const { insert, update } = guard.grants.on(table.definition);
  if (insert.isWhole && (isNew || update.isWhole)) return noCheck;
  const stored = id === undefined || isNew ? undefined : transaction.get(table, id);
  // What is decided here must still be so when it is written.
  if (id !== undefined && !isNew) transaction.insist(table, id, stored ? tagOf(stored) : null);
  // One that is not for the caller is as one that is not there, up to the last: it can't be created either.
  const isHidden = stored !== undefined && update.allowed && !isOneOf(place, transaction, stored.id, update);
  if (stored === undefined || isHidden) {
    demand(place, 'insert', insert);
    demandAttributes(place, 'insert', insert, attributes);
    if (isHidden) throw refused(place, 'insert');
    return checkAfter(place, transaction, 'insert', insert);
  }
  demand(place, 'update', update);
  if (update.attributes !== null) {
    throw new ZerohopError(
      'FORBIDDEN',
      `You may change some attributes of ${table.definition.name}, not replace a record: use PATCH.`,
      { action: 'update' },
    );
  }
  return checkAfter(place, transaction, 'update', update);
}

/** Checks that the caller may change these attributes of the record. */
export function checkPatch(
  place: Guarded,
  transaction: ScopedTransaction,
  id: Id,
  attributes: readonly string[],
): WriteCheck {
  const grant = grantOf(place, 'update');
  if (grant === undefined || grant.isWhole) return noCheck;
  demand(place, 'update', grant);
  demandAttributes(place, 'update', grant, attributes);
  mustBeOneOf(place, transaction, id, grant);
  return checkAfter(place, transaction, 'update', grant);
}

/** Checks that the caller may delete the record. */
export function checkDelete(place: Guarded, transaction: ScopedTransaction, id: Id): void {
  const grant = grantOf(place, 'delete');
  if (grant === undefined || grant.isWhole) return;
  demand(place, 'delete', grant);
  mustBeOneOf(place, transaction, id, grant);
}

/** A record that is not for the caller is as one that is not there. */
function mustBeOneOf(place: Guarded, transaction: ScopedTransaction, id: Id, grant: Grant): void {
  if (grant.rows === null) return;
  const stored = transaction.get(place.table, id);
  if (stored === undefined || !isOneOf(place, transaction, id, grant)) throw missing(place, id);
  transaction.insist(place.table, id, tagOf(stored));
}

function checkAfter(place: Guarded, transaction: ScopedTransaction, action: Action, grant: Grant): WriteCheck {
  if (grant.rows === null) return noCheck;
  return {
    after(id) {
      if (id === null) {
        const { name, primaryKey } = place.table.definition;
        throw new ZerohopError(
          'FORBIDDEN',
          `You may create some records of ${name}, and it counts its ids by itself, so that can't be checked before: give ${primaryKey}.`,
          { action },
        );
      }
      if (!isOneOf(place, transaction, id, grant)) throw refused(place, action);
    },
  };
}

function demand(place: Guarded, action: Action, { allowed }: Grant): void {
  if (!allowed) throw refused(place, action);
}

function refused({ guard, table }: Guarded, action: Action): ZerohopError {
  return refusal(guard?.user ?? null, action, table.definition.name);
}

function missing({ table }: Guarded, id: Id): ZerohopError {
  return new ZerohopError('NOT_FOUND', `${table.definition.name} has no record ${JSON.stringify(id)}.`);
}

function demandAttributes({ table }: Guarded, action: Action, grant: Grant, names: readonly string[]): void {
  const { attributes } = grant;
  if (attributes === null) return;
  const { name, primaryKey } = table.definition;
  const wrong = names.find((attribute) => attribute !== primaryKey && !attributes.has(attribute));
  if (wrong === undefined) return;
  throw new ZerohopError('FORBIDDEN', `Of ${name} you may ${action}: ${[...attributes].join(', ')}; not ${wrong}.`, {
    action,
    attribute: wrong,
  });
}

/** The record as the caller sees it; undefined when there is none for them. */
export function visibleRecord(
  place: Guarded,
  id: Id,
  search: (query: Query) => Iterable<SearchRow>,
): StoredRecord | undefined {
  const { primaryKey } = place.table.definition;
  const one: Condition = { attribute: [primaryKey], comparator: 'equals', value: id };
  const query = limited(place, { conditions: { operator: 'and', conditions: [one] }, limit: 1 });
  for (const { json, ...row } of search(query)) return { ...row, id, body: json };
  return undefined;
}
