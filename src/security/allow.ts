// The one decision about permission: who, what, where → no, yes, or yes for some attributes and some records. Denies what no rule
// allows. Pure; access.ts keeps what comes of it, and the doors apply it.

import { ZerohopError } from '../base/index.ts';
import { anyTable, type RolePermission, type TablePermission } from './permission.ts';
import type { Action, User } from './types.ts';

/** The node itself, and whoever works on its own machine where that is trusted. */
export const administrator: User = Object.freeze({
  username: 'administrator',
  role: Object.freeze({ id: 'super_user', role: 'super_user', permission: { super_user: true } }),
  active: true,
  superUser: true,
});

/** The identity of a call without credentials. `authorizeLocal`: calls from this machine are the administrator's. */
export function identifyByAddress(address: string, authorizeLocal: boolean): User | null {
  return authorizeLocal && isLoopback(address) ? administrator : null;
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}

/** What counts for a caller. */
export interface Standing {
  readonly superUser: boolean;
  /** Whether it is known who is asking. */
  readonly isKnown: boolean;
  /** Of their role; undefined: no credentials, or a role that says nothing. */
  readonly own: RolePermission | undefined;
  /** Of the role `public`, for every table the own role does not name. */
  readonly everybody: RolePermission | undefined;
}

/** A decision about one action on one table. */
export interface Grant {
  readonly allowed: boolean;
  /** Names it is allowed for, beside the primary key; null: all. */
  readonly attributes: ReadonlySet<string> | null;
  /** Conditions the records must meet, `$user` standing for the caller's name; null: all records. */
  readonly rows: string | null;
  /** Allowed for all attributes of all records. */
  readonly isWhole: boolean;
}

export const denied: Grant = Object.freeze({ allowed: false, attributes: null, rows: null, isWhole: false });
export const granted: Grant = Object.freeze({ allowed: true, attributes: null, rows: null, isWhole: true });

/** In the conditions of `rows`, the name of who is asking. */
export const callersName = '$user';

export function allow(
  who: Standing,
  action: Action,
  table: { readonly database: string; readonly name: string },
): Grant {
  if (who.superUser) return granted;
  if (table.database === 'system') return denied;
  const said = saidOf(who.own, table) ?? saidOf(who.everybody, table);
  if (!said?.[action]) return denied;
  const { rows } = said;
  // Nothing belongs to nobody.
  if (!who.isKnown && rows?.includes(callersName)) return denied;
  if (action === 'delete' || said.attributes === null)
    return rows === null ? granted : { allowed: true, attributes: null, rows, isWhole: false };
  const attributes = new Set([...said.attributes].flatMap(([name, may]) => (may[action] ? name : [])));
  // One that is allowed nothing of a record is not allowed the record.
  return attributes.size === 0 ? denied : { allowed: true, attributes, rows, isWhole: false };
}

function saidOf(
  role: RolePermission | undefined,
  { database, name }: { readonly database: string; readonly name: string },
): TablePermission | undefined {
  const tables = role?.tables.get(database);
  return tables?.get(name) ?? tables?.get(anyTable);
}

/** The error of a call that is not allowed. */
export function refusal(user: User | null, action: Action, name: string): ZerohopError {
  return user === null
    ? new ZerohopError(
        'UNAUTHENTICATED',
        `To ${action} ${name}, send credentials. On the node's own machine none are needed under "zerohop dev" or with --authorize-local true; roles.yaml says what everybody may do.`,
        { action },
      )
    : new ZerohopError('FORBIDDEN', `${user.username} may not ${action} ${name}.`, { action });
}
