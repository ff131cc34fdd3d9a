// What a change is refused for, before anything of it is written.

import { type JsonObject, ZerohopError } from '../base/index.ts';
import { type Id, tagOfRow } from '../records/index.ts';
import type { RowHead, TableState } from './table-state.ts';
import type { PatchChange, Precondition } from './types.ts';

/** Nodes that can assign integer ids: each assigns those that leave its own number when divided by this. */
export const idSlots = 256;

/** The id the store assigns next. @param slot of a node in a cluster: see `idSlots` */
export function nextId(table: TableState, slot?: number): number {
  const { nextId: next } = table;
  const id = slot === undefined ? next : next + ((slot - (next % idSlots) + idSlots) % idSlots);
  if (id <= table.maxId) return id;
  throw new ZerohopError(
    'CONFLICT',
    `${table.entry.definition.name} has no integer ids left above ${table.maxId}. Give records their ids yourself.`,
  );
}

/** Refuses additions whose sum the attribute can't hold, or that is below its minimum. */
export function checkSums(
  table: TableState,
  { id, patch, minimum }: PatchChange,
  before: JsonObject,
  after: JsonObject,
): void {
  const { name, attributes } = table.entry.definition;
  for (const attribute of Object.keys(patch.add)) {
    const type = attributes.find((candidate) => candidate.name === attribute)?.type;
    const scalar = type?.kind === 'scalar' ? type.scalar : 'Any';
    const sum = Number(after[attribute]);
    const fits =
      scalar === 'Int' ? (sum | 0) === sum : scalar === 'Long' ? Number.isSafeInteger(sum) : Number.isFinite(sum);
    if (!fits)
      throw new ZerohopError(
        'VALIDATION_FAILED',
        `${attribute} of ${name} ${id} would be ${sum}: its type can't hold that.`,
        {
          attribute,
        },
      );
  }
  for (const [attribute, least] of Object.entries(minimum ?? {})) {
    if (!(Number(after[attribute] ?? 0) < least)) continue;
    const available = Number(before[attribute] ?? 0);
    throw new ZerohopError(
      'BELOW_MINIMUM',
      `${attribute} of ${name} ${id} is ${available}: it may not go below ${least}.`,
      { attribute, available },
    );
  }
}

/**
 * Refuses when a record as it is now does not meet a precondition.
 * @param row is there for expired and deleted records too, which do not exist
 */
export function check(
  table: string,
  id: Id,
  precondition: Precondition | undefined,
  exists: boolean,
  row: RowHead | undefined,
): void {
  if (!precondition) return;
  const tag = row ? tagOfRow(row.version, row.merge) : null;
  const { versions, notVersions } = precondition;
  if (precondition.row !== undefined && precondition.row !== tag)
    throw new ZerohopError('PRECONDITION_FAILED', `${table} ${id} has changed since it was read.`);
  if (precondition.exists === false && exists)
    throw new ZerohopError('CONFLICT', `${table} has a record ${JSON.stringify(id)} already.`);
  if (precondition.exists === true && !exists)
    throw new ZerohopError('NOT_FOUND', `${table} has no record ${JSON.stringify(id)}.`);
  if (
    (versions && (tag === null || !exists || !versions.includes(tag))) ||
    (tag !== null && exists && notVersions?.includes(tag))
  )
    throw new ZerohopError(
      'PRECONDITION_FAILED',
      `${table} ${id} is not in the version you asked for. Read it again and retry.`,
    );
}
