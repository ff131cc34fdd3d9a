// What everybody may do, as one thread knows it: the roles, read once and kept until the log names a change of users, roles, or what proves who
// somebody is; and per role and table the decision of `allow`.

import type { TableDefinition } from '../schema/index.ts';
import { type Databases, ReadSet } from '../tables/index.ts';
import { allow, type Grant, refusal, type Standing } from './allow.ts';
import { type RolePermission, readPermission, roleOf, type UserRole } from './permission.ts';
import { systemDatabase, tableNames } from './system-tables.ts';
import type { Action, Subject, User } from './types.ts';

/** The role of requests without credentials; for those with, of tables their own role says nothing about. */
export const publicRole = 'public';

/** The decisions on one table. */
export type TableGrants = Readonly<Record<Action, Grant>>;

/** What one role, or one user, may do. */
export class Grants {
  readonly #who: Standing;
  readonly #tables = new WeakMap<object, TableGrants>();

  constructor(who: Standing) {
    this.#who = who;
  }

  /** @param table the same object as long as it is the same table */
  on(table: Pick<TableDefinition, 'database' | 'name'>): TableGrants {
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const made = {
      read: allow(this.#who, 'read', table),
      insert: allow(this.#who, 'insert', table),
      update: allow(this.#who, 'update', table),
      delete: allow(this.#who, 'delete', table),
    };
    this.#tables.set(table, made);
    return made;
  }
}

/** What an Access reads: the databases, as far as it needs them. */
type Source = Pick<Databases, 'table' | 'transaction'>;

const known = new WeakMap<Source, Access>();

/** The one Access of a thread to its databases. */
export function accessTo(databases: Source): Access {
  const made = known.get(databases) ?? new Access(databases);
  known.set(databases, made);
  return made;
}

export class Access {
  readonly #databases: Source;
  #roles: ReadonlyMap<string, RolePermission> = new Map();
  #grants = new Map<string, Grants>();
  #public: Grants = noRoles;
  #told = new Map<string, UserRole>();
  readonly #own = new WeakMap<RolePermission, Grants>();
  #epoch = 0;
  #catchUp: (() => void) | undefined;
  #isStale = true;

  constructor(databases: Source) {
    this.#databases = databases;
  }

  /** Another number whenever users, roles, or what proves who somebody is may have changed. What was decided before it must be decided again. */
  get epoch(): number {
    this.#catchUp?.();
    if (this.#isStale) this.#load();
    return this.#epoch;
  }

  get roles(): ReadonlyMap<string, RolePermission> {
    void this.epoch;
    return this.#roles;
  }

  /** A role as users carry it. */
  role(id: string): UserRole {
    void this.epoch;
    const made = this.#told.get(id) ?? roleOf(id, this.#roles.get(id));
    this.#told.set(id, made);
    return made;
  }

  grants(user: User | null): Grants {
    void this.epoch;
    if (user === null) return this.#public;
    if (user.superUser) return everything;
    if (user.permission !== undefined) return this.#grantsOf(user.permission);
    const { id } = user.role;
    const made = this.#grants.get(id) ?? this.#make(this.#roles.get(id));
    this.#grants.set(id, made);
    return made;
  }

  /** Throws UNAUTHENTICATED or FORBIDDEN unless `user` may do `action` to the subject, or to a part of it. App code without a table decides for itself. */
  demand(user: User | null, action: Action, { name, table, appDefined }: Subject): Grant | undefined {
    if (table === undefined) {
      if (appDefined || user?.superUser) return undefined;
      throw refusal(user, action, name);
    }
    const grant = this.grants(user).on(table)[action];
    if (!grant.allowed) throw refusal(user, action, name);
    return grant;
  }

  #grantsOf(permission: RolePermission): Grants {
    const made = this.#own.get(permission) ?? this.#make(permission);
    this.#own.set(permission, made);
    return made;
  }

  #make(own: RolePermission | undefined): Grants {
    return new Grants({
      superUser: own?.superUser ?? false,
      isKnown: true,
      own,
      everybody: this.#roles.get(publicRole),
    });
  }

  #load(): void {
    const table = this.#databases.table(systemDatabase, tableNames.roles);
    if (table === undefined) return;
    const reads = new ReadSet();
    const transaction = this.#databases.transaction(reads);
    const roles = new Map<string, RolePermission>();
    try {
      for (const row of transaction.search(table, {}).rows) roles.set(String(row.id), permissionOf(row.id, row.json));
      // The others are only looked at, to be told of their changes.
      for (const name of [tableNames.users, tableNames.tokenKeys, tableNames.revocations]) {
        const other = this.#databases.table(systemDatabase, name);
        if (other) for (const _ of transaction.search(other, { limit: 1 }).rows) break;
      }
    } finally {
      transaction.abort();
    }
    this.#isStale = false;
    this.#epoch++;
    this.#roles = roles;
    this.#grants = new Map();
    this.#told = new Map();
    const everybody = roles.get(publicRole);
    this.#public = new Grants({ superUser: false, isKnown: false, own: undefined, everybody });
    this.#follow(reads);
  }

  /** Once: what it listens to stays the same tables. */
  #follow(reads: ReadSet): void {
    if (this.#catchUp !== undefined) return;
    for (const [source, { tables, results }] of reads.databases) {
      const numbers = new Set([...tables, ...results.map(({ table }) => table)]);
      source.catchUp();
      source.onTouched({
        row: (table) => {
          if (numbers.has(table)) this.#isStale = true;
        },
        everything: () => {
          this.#isStale = true;
        },
      });
      this.#catchUp = () => source.catchUp();
      // What came between reading and listening.
      this.#isStale = source.touchedSince(reads.databases.get(source)?.lsn ?? 0, numbers);
    }
  }
}

const everything = new Grants({ superUser: true, isKnown: true, own: undefined, everybody: undefined });
const noRoles = new Grants({ superUser: false, isKnown: false, own: undefined, everybody: undefined });

function permissionOf(id: unknown, json: string): RolePermission {
  const { permission }: { permission?: unknown } = JSON.parse(json);
  return readPermission(permission, `The role ${String(id)}`);
}
